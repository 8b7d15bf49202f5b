# Before the number of servidores changes: tells those that run who is to count, and waits until nobody else does.
#
# NAMES      who is to count from now on
# INSTALLED  who was to count as far as this release knows; empty where it was never said
# MUST       yes: the number that runs is known to be another one, so that nothing may go on before this is done
set -eu
: "${INSTALLED:=}"

patience=$TIMEOUT
if [ "$MUST" != yes ] && { [ -z "$INSTALLED" ] || [ "$INSTALLED" = "$NAMES" ]; }; then
  # Most likely there is nothing to change. A release that has to be mended must not wait for a chat that does not answer.
  patience=$BRIEFLY
fi

if papo members set "$NAMES" --from "$FROM" --timeout "${patience}s"; then exit 0; fi

if [ "$MUST" = yes ] || { [ -n "$INSTALLED" ] && [ "$INSTALLED" != "$NAMES" ]; }; then
  echo "The servidores have not taken it, so that nothing is changed: were pods to go now that still count, the chat could lose its majority." >&2
  exit 1
fi
echo "The number of servidores stays as it is: going on without their answer." >&2
