# Tries every port of the chat from a pod that is none of its own. Each must be refused, and the names must be known: a test
# that reaches nothing since it finds nothing would prove nothing.
set -eu

refused() { # HOST:PORT
  address=$(getent ahostsv4 "${1%:*}" | awk 'NR == 1 {print $1}')
  if [ -z "$address" ]; then
    echo "${1%:*} is not known"
    return 1
  elif timeout 2 bash -c "</dev/tcp/$address/${1#*:}" 2>/dev/null; then
    echo "$1 lets a stranger in"
    return 1
  fi
  echo "$1 is closed to strangers"
}

pids=
for target in $TARGETS; do
  refused "$target" &
  pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
exit "$failed"
