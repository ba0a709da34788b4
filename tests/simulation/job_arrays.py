"""The course that an array takes: its children are the points of a sweep, and Batch counts them.

What the points leave: `sweep_points`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.simulation.job_courses import MovesJobs
from tests.simulation.job_endings import Ending
from tests.simulation.sweep_points import SweepPoints
from tests.simulation.world import World

# How long Batch may say nothing, or what was before, of how the children of an array have ended.
_COUNTED_LATE = (30.0, 1200.0)


class Array:
    """The parent of an array: PENDING while its children run, over when all of them are."""

    def __init__(self, jobs: MovesJobs, world: World, job_id: str) -> None:
        self._jobs = jobs
        self._world = world
        self._job_id = job_id
        self._size = int(world.batch.jobs[job_id]["arrayProperties"]["size"])
        self._points = SweepPoints(world, job_id, partial(jobs.after, job_id))
        self._done = 0
        self._fails = False

    def wait(self) -> None:
        """Let all points wait."""
        self._jobs.tell(self._job_id, "PENDING", **self._children(RUNNABLE=self._size))
        self._each("RUNNABLE")
        if self._world.choices.strikes("queue-blocked", "points"):
            self._world.count("queues blocked")
            self._after((1, 300), self._blocked)
        self._after((1, 300), self._run)

    def _run(self) -> None:
        # Batch says nothing of it but of the children: the parent stays PENDING.
        self._world.batch.move(
            self._job_id, "PENDING", **self._children(RUNNING=1, RUNNABLE=self._size - 1)
        )
        self._jobs.tell_of_child(self._job_id, 0, "RUNNING")
        choices, last = self._world.choices, self._size - 1
        lasts = choices.between(1, 1200, "points")
        self._fails = choices.strikes("job-fails", "points")
        self._points.read()
        for index in range(last):
            works = choices.between(0, lasts, "a point")
            self._points.work(index, works, ok=True)
            self._jobs.after(self._job_id, works, partial(self._point_ended, index))
        self._points.work(last, lasts, ok=not self._fails)
        self._jobs.after(self._job_id, lasts, self._end)

    def _point_ended(self, index: int) -> None:
        self._done += 1
        self._world.batch.move(
            self._job_id,
            "PENDING",
            **self._children(SUCCEEDED=self._done, RUNNING=self._size - self._done),
        )
        self._jobs.tell_of_child(self._job_id, index, "SUCCEEDED")

    def _end(self) -> None:
        size, counted = self._size, {"SUCCEEDED": self._size}
        self._jobs.tell_of_child(self._job_id, size - 1, "FAILED" if self._fails else "SUCCEEDED")
        if not self._fails:
            ending = Ending("succeeded")
            self._jobs.end(self._job_id, "SUCCEEDED", ending, **self._children(**counted))
            return
        counted = {"SUCCEEDED": size - 1, "FAILED": 1}
        said = counted
        if self._world.choices.strikes("counted-late", "points"):
            # As DescribeJobs had it before; or it does not say at all.
            said = self._world.choices.among(({}, {"SUCCEEDED": size - 2, "RUNNING": 2}), "counted")
            late = self._world.choices.seconds(*_COUNTED_LATE, "counted")
            count = partial(self._count, **counted)
            self._world.scheduler.later(late, count, "batch counts")
        self._jobs.end(
            self._job_id,
            "FAILED",
            Ending("failed"),
            statusReason="Array Child Job failed",
            **self._children(**said),
        )

    def _count(self, **counted: int) -> None:
        job = self._world.batch.jobs.get(self._job_id)
        if job is not None:
            self._world.batch.move(self._job_id, job["status"], **self._children(**counted))

    def _blocked(self) -> None:
        # Of an array Batch says that of a child alone.
        self._jobs.block(self._job_id, self._size - 1)

    def _each(self, status: str) -> None:
        for index in range(self._size):
            self._jobs.tell_of_child(self._job_id, index, status)

    def _children(self, **counted: int) -> dict[str, Any]:
        return {"arrayProperties": {"size": self._size, "statusSummary": counted}}

    def _after(self, span: tuple[float, float], act: Callable[[], None]) -> None:
        self._jobs.after(self._job_id, self._world.choices.between(*span, "points"), act)
