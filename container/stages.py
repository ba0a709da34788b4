"""What became of each stage, as DVC's own lines tell it while it runs.

DVC says it nowhere else. Its words are those of dvc/stage/__init__.py, run.py and cache.py (3.67.1,
and long before); where a version of it has other words, the report just says less.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from container.report_stages import StageTime

_RUNNING = re.compile(r"Running stage '(.+)':$")
_CACHED = re.compile(r"Stage '(.+)' is cached - skipping run, checking out outputs$")
_UNCHANGED = re.compile(r"Stage '(.+)' didn't change, skipping$")
_FAILED = re.compile(r"ERROR: failed to reproduce '(.+?)'")
_SAVED = re.compile(r"(?:Generating|Updating) lock file '")


@dataclass(frozen=True)
class _Open:
    """The stage that runs now."""

    name: str
    since: float


class Stages:
    """Listens to the log."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: _Open | None = None
        self._ended: dict[str, StageTime] = {}

    def hear(self, line: str) -> None:
        """Take note of a line of the log."""
        started = _RUNNING.match(line)
        if started:
            self._close("ran")
            self._open = _Open(started[1], self._clock())
        elif _SAVED.match(line):
            self._close("ran")
        for pattern, outcome in ((_CACHED, "cached"), (_UNCHANGED, "unchanged")):
            found = pattern.match(line)
            if found:
                self._ended[found[1]] = StageTime(found[1], outcome, None)
        failed = _FAILED.match(line)
        if failed:
            self._close("failed")
            kept = self._ended.get(failed[1], StageTime(failed[1], "failed", None))
            self._ended[failed[1]] = replace(kept, outcome="failed")

    @property
    def failed(self) -> str:
        """The stage that has failed, as far as the log tells; "" if none has."""
        names = [time.name for time in self._failures()]
        return names[-1] if names else ""

    @property
    def failed_running(self) -> bool:
        """Whether that stage's command had been started."""
        return any(time.seconds is not None for time in self._failures())

    @property
    def silent(self) -> bool:
        """Whether the log has told of no stage at all."""
        return self._open is None and not self._ended

    def close(self, outcome: str) -> tuple[StageTime, ...]:
        """All stages in the order in which they ended; the one that still runs ends like this."""
        self._close(outcome)
        return tuple(self._ended.values())

    def _failures(self) -> list[StageTime]:
        return [time for time in self._ended.values() if time.outcome == "failed"]

    def _close(self, outcome: str) -> None:
        if self._open is not None:
            seconds = self._clock() - self._open.since
            self._ended[self._open.name] = StageTime(self._open.name, outcome, seconds)
            self._open = None
