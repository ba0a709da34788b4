"""The course that one job of an array takes: it waits, starts, runs, fails, and is tried again.

Each goes its own way: while one has not started yet another is on its third machine.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from tests.simulation.job_courses import MovesJobs
from tests.simulation.job_endings import ESSENTIAL, FAILURES, HOST_LOST, TIME_LIMIT, Kind
from tests.simulation.job_retries import tried_again
from tests.simulation.sweep_points import SweepPoints
from tests.simulation.world import World

# Seconds, at least and at most.
_WAITS, _WAITS_LONG = (1.0, 300.0), (300.0, 3000.0)
_STARTS = (1.0, 60.0)
_BLOCKED = (1.0, 300.0)
_GIVEN_UP = (600.0, 900.0)
# The ways in which a point fails: of a container that has ended well, Batch counts no failure.
_FAILURES: dict[str, Kind] = {name: one for name, one in FAILURES.items() if name != "exit code 0"}


class CountsPoints(Protocol):
    """The parent of a point."""

    def moved(self, index: int, status: str, **fields: Any) -> None:
        """Note in which state a point is now."""


class PointJob:
    """The child of that index of the array whose points these are."""

    def __init__(
        self,
        parent: CountsPoints,
        jobs: MovesJobs,
        world: World,
        points: SweepPoints,
        index: int,
    ) -> None:
        self._parent = parent
        self._jobs = jobs
        self._choices = world.choices
        self._count = world.count
        self._clock = world.clock
        self._points = points
        self._submission = world.batch.submissions[points.job_id]
        self._index = index
        self._status = "PENDING"
        self._attempts: list[dict[str, Any]] = []
        self._started_at = 0

    def wait(self) -> None:
        """Wait for a machine, the first or another."""
        strikes = self._choices.strikes
        self._move("RUNNABLE")
        if strikes("queue-blocked", "a point"):
            self._count("queues blocked")
            self._after(_BLOCKED, self._block)
        if strikes("time-limit", "a point"):
            self._after(_GIVEN_UP, partial(self._move, "FAILED", statusReason=TIME_LIMIT))
        else:
            late = strikes("point-starts-late", "a point")
            self._after(_WAITS_LONG if late else _WAITS, self._start)

    def _block(self) -> None:
        if self._status == "RUNNABLE":
            self._jobs.block(self._points.job_id, self._index)

    def _start(self) -> None:
        self._move("STARTING")
        self._after(_STARTS, self._run)

    def _run(self) -> None:
        self._started_at = self._now()
        self._move("RUNNING", startedAt=self._started_at)
        self._points.read()
        self._after((0.0, self._points.lasts), self._end)

    def _end(self) -> None:
        choices = self._choices
        if choices.strikes("spot", "a point"):
            self._count("spot losses of points")
            # It may have stored its result by then; its next try finds that.
            if choices.among((False, False, True), "a result before the machine was lost"):
                self._points.leave(self._index, ok=True)
            self._failed(HOST_LOST)
        elif choices.strikes("point-fails", "a point"):
            kind = _FAILURES[choices.among(sorted(_FAILURES), "failure")]
            if choices.among((True, False), "a point leaves its failure"):
                self._points.leave(self._index, ok=False)
            self._failed(kind.status_reason, kind.ending.exit_code, kind.reason)
        else:
            self._points.leave(self._index, ok=True)
            self._note(ESSENTIAL, 0, None)
            self._move("SUCCEEDED", statusReason=ESSENTIAL)

    def _failed(self, said: str, code: int | None = None, reason: str | None = None) -> None:
        self._note(said, code, reason)
        if tried_again(self._submission, self._attempts):
            self._count("points tried again")
            self.wait()
        else:
            self._move("FAILED", statusReason=said)

    def _note(self, said: str, code: int | None, reason: str | None) -> None:
        container = {"exitCode": code, "reason": reason}
        told = {name: one for name, one in container.items() if one is not None}
        times = {"startedAt": self._started_at, "stoppedAt": self._now()}
        self._attempts.append({"container": told, "statusReason": said, **times})

    def _move(self, status: str, **fields: Any) -> None:
        self._status = status
        self._parent.moved(self._index, status, attempts=[*self._attempts], **fields)

    def _now(self) -> int:
        return round(self._clock().timestamp() * 1000)

    def _after(self, span: tuple[float, float], act: Callable[[], None]) -> None:
        self._jobs.after(self._points.job_id, self._choices.between(*span, "a point"), act)
