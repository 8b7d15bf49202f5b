# Tries every port of the chat from a pod that is none of its own. Each must be refused, and the names must be known: a test
# that reaches nothing since it finds nothing would prove nothing. DNS must answer, and so tell confined.sh that it is there.
#
# TARGETS  HOST:PORT of each
set -eu

opens() { # ADDRESS PORT
  timeout 2 bash -c "</dev/tcp/$1/$2" 2>/dev/null
}

refused() { # HOST:PORT
  address=$(getent ahostsv4 "${1%:*}" | awk 'NR == 1 {print $1}')
  if [ -z "$address" ]; then
    echo "${1%:*} is not known"
    return 1
  elif opens "$address" "${1#*:}"; then
    echo "$1 lets a stranger in"
    return 1
  fi
  echo "$1 is closed to strangers"
}

dns=$(awk '$1 == "nameserver" {print $2; exit}' /etc/resolv.conf)
# The port of its Service, as resolv.conf means it; policies may know it by another (networkPolicy.dnsPorts).
opens "$dns" 53 || { echo "DNS does not answer at $dns:53: nothing was tested"; exit 1; }

pids=
for target in $TARGETS; do
  refused "$target" &
  pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
exit "$failed"
