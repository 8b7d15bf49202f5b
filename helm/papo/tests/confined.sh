# A pod of this release that no rule lets out: it must not even reach DNS, which any other pod of the namespace does
# (stranger.sh has seen that). Where policies are enforced only some moments after a pod has started, it tries again.
set -eu

dns=$(awk '$1 == "nameserver" {print $2; exit}' /etc/resolv.conf)
deadline=$(($(date +%s) + 10))
while timeout 2 bash -c "</dev/tcp/$dns/53" 2>/dev/null; do
  [ "$(date +%s)" -lt "$deadline" ] || { echo "a pod that no rule lets out reaches $dns:53"; exit 1; }
  sleep 1
done
echo "a pod that no rule lets out does not reach $dns:53"
