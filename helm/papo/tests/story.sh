# Says something through a broker, then reads it from every servidor by itself, at its own port.
set -eu
deadline=$(($(date +%s) + PATIENCE))
id=$(date +%s%N)
channel=helm-test

until said=$(printf 'publish %s %s\n' "$channel" "$id" | cliente --json --state /tmp/state --broker "$BROKER" --proxy "$PROXY" --user "teste-$id" --channel "$channel"); do
  [ "$(date +%s)" -lt "$deadline" ] || { echo "it was not stored:"; printf '%s\n' "$said"; exit 1; }
  sleep 1
done
echo "$BROKER says that '$id' in #$channel is stored"

for servidor in $SERVIDORES; do
  # Reading a channel takes no login, and a servidor takes none directly.
  until found=$(printf 'historico %s 50\n' "$channel" | cliente --json --state /tmp/none --broker "$servidor.$DOMAIN:5570" --proxy "$PROXY" | grep '"event":"history"') \
    && printf '%s' "$found" | grep -q "\"text\":\"$id\""; do
    [ "$(date +%s)" -lt "$deadline" ] || { echo "$servidor does not have it:"; printf '%s\n' "$found"; exit 1; }
    sleep 1
  done
  echo "$servidor has it"
done

until papo status --broker "$BROKER"; do
  [ "$(date +%s)" -lt "$deadline" ] || exit 1
  sleep 1
done
