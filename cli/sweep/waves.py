"""A wave: the points of one array job, and what has become of each so far.

A point has ended with its first success, or when it has failed as often as it may be tried, or when
the job is over and it has left nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from cli.sweep.machine_time import MachineTime
from shared.events import RunId
from shared.points import Result
from shared.space import Point

Verdict = Literal["ok", "failed", "stopped"]
# Waves have four digits in the names of results.
MOST_WAVES = 9_999
_BEGUN = ("STARTING", "RUNNING", "SUCCEEDED", "FAILED")


@dataclass(frozen=True)
class Ended:
    """How a point ended; `key` is its result's, None where it has left none."""

    verdict: Verdict
    objective: float | None = None
    seconds: float = 0.0
    at: datetime | None = None
    key: str | None = None

    @classmethod
    def by(cls, key: str, result: Result) -> "Ended":
        """How the point ended that a result is of."""
        return cls(
            verdict="ok" if result.ok else "failed",
            objective=result.objective if result.ok else None,
            seconds=result.seconds,
            at=datetime.fromtimestamp(result.at_ms / 1000, UTC),
            key=key,
        )


@dataclass
class Wave:
    """One array job of a sweep, numbered from 1 through all targets; `line` is its target's place.

    `sent` once its run was asked for; `job_id` is known once that was submitted. `counts` are
    Batch's own, by status. `stopping` once it was asked to stop. `taken_up`: an earlier process
    has begun it. `cost` is the machine time that it has taken.
    """

    number: int
    line: int
    points: list[Point]
    run_id: RunId
    sent: bool = False
    job_id: str | None = None
    over: bool = False
    stopping: bool = False
    taken_up: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    cost: MachineTime = field(default_factory=MachineTime)
    ended: dict[int, Ended] = field(default_factory=dict)
    _failures: dict[int, dict[str, Ended]] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """How many of its points have not ended."""
        return 0 if self.over else len(self.points) - len(self.ended)

    @property
    def running(self) -> int:
        """How many of its points Batch says are being worked on."""
        return min(self.open, sum(self.counts.get(one, 0) for one in ("STARTING", "RUNNING")))

    @property
    def begun(self) -> bool:
        """Whether anything of it has started."""
        return bool(self.ended) or any(self.counts.get(one) for one in _BEGUN)

    def hear(self, key: str, result: Result, retries: int) -> Ended | None:
        """Take in a result, seen before or not; how its point ended, if that is news.

        A success is news even of a point that had failed: Batch tries one again that lost its
        machine.
        """
        if not 0 <= result.index < len(self.points):
            return None
        self.cost.tell(key, result.seconds)
        if self.over:
            return None
        heard = Ended.by(key, result)
        known = self.ended.get(result.index)
        if known is not None and (known.verdict == "ok" or heard.verdict != "ok"):
            return None
        if heard.verdict == "failed" and self.stopping:
            heard = replace(heard, verdict="stopped")
        elif heard.verdict == "failed":
            failures = self._failures.setdefault(result.index, {})
            failures[key] = heard
            if len(failures) <= retries:
                return None
        self.ended[result.index] = heard
        return heard

    def close(self, span_seconds: float) -> dict[int, Ended]:
        """End it: its job is over, and what has left no success will not leave one any more.

        `span_seconds` is the most that a point without any result can have taken.
        """
        found: dict[int, Ended] = {}
        missing = [index for index in range(len(self.points)) if index not in self.ended]
        silent = [index for index in missing if index not in self._failures]
        share = self.cost.of_lost(len(silent), span_seconds, stopped=self.stopping)
        for index in missing:
            failures = self._failures.get(index)
            if failures:
                found[index] = max(failures.items())[1]
            else:
                found[index] = Ended("stopped" if self.stopping else "failed", seconds=share)
        self.ended |= found
        self.over = True
        return found

    def tally(self) -> Counter[Verdict]:
        """How many of its points ended how."""
        return Counter(one.verdict for one in self.ended.values())
