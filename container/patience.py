"""How long to go on asking for what is not possible now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from container.settings import Settings

# Seconds before the second and each later try. The last one is repeated if there is time.
PAUSES = (2.0, 8.0, 20.0, 60.0, 120.0, 300.0)
# Where no timeout is known, results are worth an hour of a waiting machine.
_UNTOLD_SECONDS = 3600.0
# What is left of the job's time for the last resort and the report: a tenth, two minutes at most.
_RESERVE_SHARE = 0.1
_RESERVE_SECONDS = 120.0


def deadline(settings: Settings, started: float, now: float) -> float:
    """Until when a run that is finished `now` tries to deliver; all in `time.monotonic()`.

    >>> deadline(Settings.read({}), 0, 7200)
    10800.0
    >>> deadline(Settings.read({"CLOUD_RUNNER_TIMEOUT_SECONDS": "36000"}), 0, 7200)
    35880.0
    """
    if not settings.timeout_seconds:
        return now + _UNTOLD_SECONDS
    reserve = min(_RESERVE_SECONDS, settings.timeout_seconds * _RESERVE_SHARE)
    return started + settings.timeout_seconds - reserve


def pauses(until: float, clock: Callable[[], float] = time.monotonic) -> Iterator[float]:
    """The pauses between tries until the deadline; there is always at least one.

    >>> now = iter([0.0, 2.0, 10.0, 25.0])
    >>> list(pauses(25.0, lambda: next(now)))
    [2.0, 8.0, 15.0]
    """
    yield min(PAUSES[0], max(0.1, until - clock()))
    at = 1
    while (left := until - clock()) > 0:
        yield min(PAUSES[at], left)
        at = min(at + 1, len(PAUSES) - 1)
