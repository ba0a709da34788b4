"""The parent of an array: its children are the points of a sweep, and Batch counts them.

Each child's course: `job_points`; what it leaves: `sweep_points`.
"""

from collections import Counter
from functools import partial
from typing import Any

from tests.simulation.job_courses import MovesJobs
from tests.simulation.job_endings import Ending
from tests.simulation.job_points import PointJob
from tests.simulation.sweep_points import SweepPoints
from tests.simulation.world import World

# How long Batch may say nothing, or what was before, of how the children of an array have ended.
_COUNTED_LATE = (30.0, 1200.0)
# By so many changes of its children at most.
_BEHIND = 3
_OVER = ("SUCCEEDED", "FAILED")
# Batch counts those as well of which there are none.
_ALL = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", *_OVER)


class Array:
    """The parent of an array: PENDING while its children run, over when all of them are.

    AWS Batch API reference, JobDetail, "status": the parent becomes PENDING once any child is
    RUNNABLE. Of its children's states there is no event of the parent's.
    """

    def __init__(self, jobs: MovesJobs, world: World, job_id: str) -> None:
        self._jobs = jobs
        self._world = world
        self._job_id = job_id
        self._size = int(world.batch.jobs[job_id]["arrayProperties"]["size"])
        self._statuses = ["PENDING"] * self._size
        self._counted: list[dict[str, int]] = []
        self._names_all = world.choices.among((True, False), "what is counted")
        points = SweepPoints(world, job_id)
        self._points = [PointJob(self, jobs, world, points, one) for one in range(self._size)]

    def wait(self) -> None:
        """Let all points wait."""
        counted = {"RUNNABLE": self._size}
        self._jobs.tell(self._job_id, "PENDING", **self._children(counted))
        for point in self._points:
            point.wait()

    def moved(self, index: int, status: str, **fields: Any) -> None:
        """Note in which state a point is now; the last that ends, ends the array."""
        self._statuses[index] = status
        self._jobs.tell_of_child(self._job_id, index, status, **fields)
        counted = Counter(self._statuses)
        if sum(counted[one] for one in _OVER) == self._size:
            self._end(counted)
            return
        self._counted.append(dict(counted))
        # Batch says nothing of it but of the children: the parent stays PENDING.
        self._world.batch.move(self._job_id, "PENDING", **self._children(counted))

    def cut_short(self, reason: str) -> dict[str, Any]:
        """End all points that are not over, since the array is ended; what Batch counts then."""
        for index, status in enumerate(self._statuses):
            if status not in _OVER:
                self._statuses[index] = "FAILED"
                ended = {"statusReason": reason, "isTerminated": True}
                self._jobs.tell_of_child(self._job_id, index, "FAILED", **ended)
        return self._children(self._said(Counter(self._statuses)))

    def _end(self, counted: Counter[str]) -> None:
        failed = counted["FAILED"]
        said = self._said(counted)
        too_many = failed * 100 > self._tolerated() * self._size
        words = f"{failed} of {self._size} points failed"
        ending = Ending("failed", words)
        if not too_many:
            ending = Ending("succeeded", tolerated=failed > 0)
        reason = {"statusReason": "Array Child Job failed"} if failed else {}
        status = "FAILED" if failed else "SUCCEEDED"
        self._jobs.end(self._job_id, status, ending, **reason, **self._children(said))

    def _said(self, counted: dict[str, int]) -> dict[str, int]:
        """What Batch says at the array's end of how its points have ended."""
        if not self._world.choices.strikes("counted-late", "points"):
            return counted
        late = self._world.choices.seconds(*_COUNTED_LATE, "counted")
        count = partial(self._count, counted)
        self._world.scheduler.later(late, count, "batch counts")
        # As DescribeJobs had it before; or it does not say at all.
        return self._world.choices.among(({}, *self._counted[-_BEHIND:]), "counted")

    def _tolerated(self) -> int:
        """How many per cent of the points may fail, by who asked for the sweep."""
        parameters = self._world.batch.submissions[self._job_id]["parameters"]
        ask = self._world.ledger.ask_of(
            parameters.get("branchName", ""), parameters.get("commitHash", "")
        )
        wanted = None if ask is None else ask.commit.wanted
        if wanted is None or wanted.tolerated is None:
            return self._world.tolerated_percent
        return wanted.tolerated

    def _count(self, counted: dict[str, int]) -> None:
        job = self._world.batch.jobs.get(self._job_id)
        if job is not None:
            self._world.batch.move(self._job_id, job["status"], **self._children(counted))

    def _children(self, counted: dict[str, int]) -> dict[str, Any]:
        told = {one: counted.get(one, 0) for one in _ALL}
        if not self._names_all or not counted:
            told = {one: number for one, number in told.items() if number}
        return {"arrayProperties": {"size": self._size, "statusSummary": told}}
