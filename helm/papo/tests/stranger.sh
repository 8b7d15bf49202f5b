# Tries every port of the chat from a pod that is none of its own. Each must be refused, and the names must be known: a test
# that reaches nothing since it finds nothing would prove nothing.
set -eu
failed=0
for target in $TARGETS; do
  host=${target%:*} port=${target#*:}
  address=$(getent ahostsv4 "$host" | awk 'NR == 1 {print $1}')
  if [ -z "$address" ]; then
    echo "$host is not known"
    failed=1
  elif timeout 1 bash -c "</dev/tcp/$address/$port" 2>/dev/null; then
    echo "$target lets a stranger in"
    failed=1
  else
    echo "$target is closed to strangers"
  fi
done
exit "$failed"
