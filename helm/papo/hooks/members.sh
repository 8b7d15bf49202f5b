# Before the number of servidores changes: tells those that run who is to count, and waits until nobody else does. Where that
# does not come true, it is taken back: whoever runs is to go on counting.
#
# NAMES      who is to count from now on
# INSTALLED  who was to count as far as this release knows; empty where it was never said
# RUNNING    who runs, where that was seen to be another number; empty where it was not
# TIMEOUT    seconds that it may take; BRIEFLY: where most likely nothing is to be done; TAKE_BACK: to take it back
set -eu
: "${INSTALLED:=}" "${RUNNING:=}"

before=${RUNNING:-$INSTALLED}
if [ -n "$before" ] && [ "$before" != "$NAMES" ]; then
  # Nothing may go on before this is done.
  must=yes patience=$TIMEOUT
else
  # Most likely there is nothing to change. A release that has to be mended must not wait for a chat that does not answer.
  must=no patience=$BRIEFLY
fi

if papo members set "$NAMES" --from "$FROM" --timeout "${patience}s"; then exit 0; fi

if [ "$must" = no ]; then
  echo "The number of servidores stays as it is: going on without their answer." >&2
  exit 0
fi

# What was agreed stays agreed: those that were dismissed would leave later, though their pods stay, and never be ready again.
echo "That did not come true, so that no pod is changed: were pods to go now that still count, the chat could lose its majority." >&2
if papo members set "$before" --from "$FROM" --wait none --timeout "${TAKE_BACK}s"; then
  echo "It was taken back: $before are to count, as before." >&2
else
  echo "It could not be taken back. Once the servidores answer again: papo members set $before" >&2
fi
exit 1
