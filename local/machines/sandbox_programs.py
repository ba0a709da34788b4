"""The programs of a machine in a directory, which stand for those that end or rule a real one."""

from typing import Final

# shutdown(8): `-h now`, `-h +MINUTES` (a minute is what it waits unless told) and `-c`.
SHUTDOWN: Final = """#!/bin/sh
cd {root}/run || exit 1
name=$(basename "$0")
echo "$name $*" >> shutdown.calls
minutes=1
[ "$name" = shutdown ] || minutes=now
for word in "$@"; do
  case "$word" in
    -c) rm -f shutdown.timer; exit 0 ;;
    now | +0) minutes=now ;;
    +*) minutes=${{word#+}} ;;
  esac
done
if [ "$minutes" = now ]; then touch asked-to-end; exit 0; fi
# The latest call holds.
echo $$ > shutdown.timer
(
  left=$((minutes * 60))
  while [ $left -gt 0 ] && [ "$(cat shutdown.timer 2> /dev/null)" = $$ ]; do
    sleep 1
    left=$((left - 1))
  done
  [ $left -gt 0 ] || touch asked-to-end
) < /dev/null > /dev/null 2>&1 &
"""
NO_SYSTEMD: Final = """#!/bin/sh
echo "System has not been booted with systemd as init system (PID 1). Can't operate." >&2
exit 1
"""
