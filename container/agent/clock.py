"""Time that nobody can set, and the boot that it belongs to."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from functools import cache

from container.agent.place import rooted


def tick() -> float:
    """Seconds since the machine was booted, which no change of the wall clock moves."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@cache
def boot() -> str:
    """What is different after each boot: ticks of two boots have nothing to do with each other."""
    try:
        return rooted("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def written(seconds: float, timespec: str = "milliseconds") -> str:
    """A moment (seconds since 1970) as ISO text.

    >>> written(0, "seconds")
    '1970-01-01T00:00:00Z'
    """
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
