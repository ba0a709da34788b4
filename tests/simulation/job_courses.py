"""The course that a job takes: it waits, starts, runs and is tried again; of arrays: `job_arrays`.

Retries: container/project.yaml.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.simulation import names
from tests.simulation.job_endings import (
    FAILURES,
    HOST_LOST,
    SPOT,
    SUCCESS,
    TIME_LIMIT,
    WAITED_TOO_LONG,
    Ending,
    Kind,
)
from tests.simulation.world import World

_TRIES = 3
# Of a second job of an attempt: how often it begins anew if nobody ends it.
_SECOND_TRIES = 6
_LOOKED_FOR = (300.0, 600.0)

# Seconds, at least and at most: waiting for a machine, starting on it, running.
Pace = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
PACES: Mapping[str, Pace] = {
    "at once": ((0.01, 0.5), (0.01, 0.2), (0.05, 1)),
    "fast": ((0.2, 5), (0.2, 3), (1, 30)),
    "usual": ((20, 240), (5, 60), (30, 1200)),
    "long": ((60, 900), (5, 120), (900, 5400)),
}


class MovesJobs(Protocol):
    """What a course does to its job."""

    def tell(self, job_id: str, status: str, *, late: float = 0, **fields: Any) -> None:
        """Bring a job into a state, and send the event of it."""

    def end(self, job_id: str, status: str, ending: Ending, **fields: Any) -> None:
        """End a job."""

    def tried(
        self, job_id: str, status_reason: str, code: int | None = None, reason: str | None = None
    ) -> dict[str, Any]:
        """The fields of a job after one more of its tries has ended."""

    def tell_of_child(self, job_id: str, index: int, status: str, **fields: Any) -> None:
        """Send the event of one job of an array."""

    def block(self, job_id: str, index: int | None = None) -> None:
        """Say that a job is at the head of its queue and cannot start; or one of an array."""

    def after(self, job_id: str, seconds: float, act: Callable[[], None]) -> None:
        """Do something with a job, unless it is over by then."""


def is_followed(world: World, job_id: str) -> bool:
    """Whether a run's record follows this job."""
    runs = world.dynamodb.items(names.ref("RunsTable")).values()
    return any(run["job"]["M"].get("id") == {"S": job_id} for run in runs if "job" in run)


class Life:
    """A job with one container; a second one of its attempt runs until somebody ends it."""

    def __init__(
        self,
        jobs: MovesJobs,
        world: World,
        job_id: str,
        pace: Pace,
        *,
        second: bool,
    ) -> None:
        self._jobs = jobs
        self._world = world
        self._job_id = job_id
        self._waiting, self._starting, self._running = pace
        self._second = second
        self._tries = 0

    def wait(self) -> None:
        """Wait for a machine."""
        choices = self._world.choices
        self._jobs.tell(self._job_id, "RUNNABLE")
        if choices.strikes("queue-blocked", "batch"):
            self._world.count("queues blocked")
            self._after((1, 900), self._blocked)
        if choices.strikes("time-limit", "batch"):
            self._after((600, 900), self._waited_too_long)
        else:
            self._after(self._waiting, self._start)

    def _blocked(self) -> None:
        if self._world.batch.jobs[self._job_id]["status"] == "RUNNABLE":
            self._jobs.block(self._job_id)

    def _waited_too_long(self) -> None:
        self._jobs.end(self._job_id, "FAILED", WAITED_TOO_LONG, statusReason=TIME_LIMIT)

    def _start(self) -> None:
        self._jobs.tell(self._job_id, "STARTING")
        self._after(self._starting, self._run)

    def _run(self) -> None:
        now = round(self._world.scheduler.now * 1000)
        stream = {"logStreamName": f"project/default/{self._job_id}"}
        self._jobs.tell(self._job_id, "RUNNING", startedAt=now, container=stream)
        self._after(self._running, self._end)

    def _end(self) -> None:
        choices = self._world.choices
        self._tries += 1
        if self._second and not is_followed(self._world, self._job_id):
            # Nobody ended it, and nobody waits for it; but a record may still come to follow it.
            if self._tries < _SECOND_TRIES:
                self._again()
            else:
                self._after(_LOOKED_FOR, self._end)
            return
        if choices.strikes("spot", "batch"):
            if self._tries < _TRIES:
                self._world.count("spot losses")
                self._again()
            else:
                self._ended(SPOT)
        elif choices.strikes("job-fails", "batch"):
            self._ended(FAILURES[choices.among(sorted(FAILURES), "failure")])
        else:
            self._ended(SUCCESS)

    def _again(self) -> None:
        self._jobs.tell(self._job_id, "RUNNABLE", **self._jobs.tried(self._job_id, HOST_LOST))
        self._after(self._waiting, self._start)

    def _ended(self, kind: Kind) -> None:
        ending = kind.ending
        fields = self._jobs.tried(self._job_id, kind.status_reason, ending.exit_code, kind.reason)
        self._jobs.end(self._job_id, kind.status, ending, statusReason=kind.status_reason, **fields)

    def _after(self, span: tuple[float, float], act: Callable[[], None]) -> None:
        self._jobs.after(self._job_id, self._world.choices.between(*span, "a job's phase"), act)
