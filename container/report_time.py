"""How long a report may take: the results are safe by then, and a machine waits for it."""

from __future__ import annotations

from dataclasses import dataclass

from container.settings import Settings

_SECONDS = 600.0
# Of that, for posting what there is.
_POSTING_SHARE = 0.25
_POSTING_SECONDS = 120.0
# What is left of the job's time for the log and the end: a twentieth, 30 s at most. Batch counts a
# timeout from the container's start, we from the program's.
_RESERVE_SHARE = 0.05
_RESERVE_SECONDS = 30.0
# Without any time, a run that has ended is worth a moment more to tell of it.
_LEAST_SECONDS = 10.0


@dataclass(frozen=True)
class ReportTime:
    """Until when to compare, draw and find places for pictures, and until when to post the report.

    Both are `time.monotonic()`. What has not ended by then is killed, and the report does without.
    """

    comparing: float
    posting: float

    @classmethod
    def of(cls, settings: Settings, started: float, now: float) -> ReportTime:
        """The times of a report that is begun `now`, in a job that has `started` at a time.

        >>> ReportTime.of(Settings.read({}), 0, 7200)
        ReportTime(comparing=7680.0, posting=7800.0)
        >>> ReportTime.of(Settings.read({"CLOUD_RUNNER_TIMEOUT_SECONDS": "7400"}), 0, 7200)
        ReportTime(comparing=7327.5, posting=7370.0)
        """
        end = now + _SECONDS
        if settings.timeout_seconds:
            reserve = min(_RESERVE_SECONDS, settings.timeout_seconds * _RESERVE_SHARE)
            end = min(end, started + settings.timeout_seconds - reserve)
        left = max(0.0, end - now)
        comparing = now + left - min(_POSTING_SECONDS, left * _POSTING_SHARE)
        return cls(comparing, max(end, now + _LEAST_SECONDS))
