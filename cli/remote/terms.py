"""The terms of a machine: what its watchdog is told when it is armed (container/agent)."""

from datetime import timedelta
from typing import Any, Final

from cli.remote.options import Wanted

# How long log and results may take to be stored when the machine has to end.
FINISH_SECONDS: Final = 900


def terms(
    wanted: Wanted,
    *,
    region: str,
    name: str | None,
    instance: str | None = None,
    left: timedelta | None = None,
) -> dict[str, Any]:
    """The terms; `instance` is None as long as there is no machine.

    `left` is how long the machine has from the moment that they are told, if not as long as is
    wanted. One that is to be kept has no end for want of work.
    """
    left = left or timedelta(hours=wanted.max_hours)
    idle = None if wanted.then == "keep" or not wanted.idle_minutes else wanted.idle_minutes * 60
    return {
        "name": name,
        "instance": instance,
        "region": region,
        "max_seconds": round(left.total_seconds()),
        "idle_seconds": idle,
        "finish_seconds": FINISH_SECONDS,
        "afterwards": wanted.then,
        "notify": wanted.notify,
    }
