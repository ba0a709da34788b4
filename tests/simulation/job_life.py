"""What AWS Batch does with a job: it waits, runs, loses its machine, ends, and tells of all that.

Which events are lost, doubled or late, and which rule takes them where, the models know; but of
some jobs every event is lost.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.simulation.job_arrays import Array
from tests.simulation.job_courses import PACES, Life, is_followed
from tests.simulation.job_endings import BLOCKED, ESSENTIAL, STOPPED_OUTSIDE, Ending
from tests.simulation.jobs import LISTED_LATE
from tests.simulation.world import World

OURS = "acme-testing-ml-experiment-"
# How long a job is SUBMITTED, in seconds.
_USUAL = (0.01, 2.0)
_SLOW = (300.0, 700.0)
_TERMINATED_LATE = (60.0, 1800.0)
_LISTED_LATE = ("list-lag", LISTED_LATE)
_OVER = ("SUCCEEDED", "FAILED")
_STARTED = ("STARTING", "RUNNING")


def begin(world: World) -> "JobLife":
    """Let every job of `world` have a life from now on."""
    return JobLife(world)


class JobLife:
    """Leads every job through its life; how each ended is in `world.ledger.endings`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._attempts: set[tuple[str, str]] = set()
        self._unheard: set[str] = set()
        self._arrays: dict[str, Array] = {}
        world.batch.on_submitted(self._submitted)
        world.batch.on_terminated(self._terminated)

    def _submitted(self, job_id: str) -> None:
        job, between = self._job(job_id), self._world.choices.between
        ours = job["jobName"].startswith(OURS)
        self._world.count("jobs" if ours else "jobs of others")
        parameters = job.get("parameters", {})
        attempt = (parameters.get("runId", ""), parameters.get("attempt", ""))
        second = ours and attempt in self._attempts
        if ours:
            self._attempts.add(attempt)
        if not second and self._world.choices.strikes("job-unheard", "batch"):
            # Every event of it is lost.
            self._world.count("jobs unheard of")
            self._unheard.add(job_id)
        if "arrayProperties" in job:
            self._arrays[job_id] = Array(self, self._world, job_id)
            life: Callable[[], None] = self._arrays[job_id].wait
        else:
            pace = self._world.choices.among(
                ("at once", "fast", "usual", "usual", "long"), "pace of a job"
            )
            if second:
                self._world.count("second jobs of an attempt")
                pace = "fast"
            life = Life(self, self._world, job_id, PACES[pace], second=second).wait
        # A Batch that lists late is slow in all: otherwise an event would tell of the job before.
        has_struck = self._world.choices.has_struck
        slow = any(has_struck(lag, job["jobName"]) for lag in _LISTED_LATE)
        self.after(job_id, between(*(_SLOW if slow else _USUAL), "submitted"), life)

    def _terminated(self, job_id: str, reason: str) -> None:
        """TerminateJob was called: that takes a while where the container runs already."""
        job, choices = self._job(job_id), self._world.choices
        slow = job["status"] in _STARTED or "arrayProperties" in job
        self._world.count("jobs terminated")

        def end() -> None:
            now = self._job(job_id)
            outside = job_id in self._world.ledger.ended_outside
            ending = STOPPED_OUTSIDE if outside else Ending("stopped")
            fields: dict[str, Any] = {"statusReason": reason, "isTerminated": True}
            if now["status"] in _STARTED:
                code = choices.among((137, 143, 1), "exit code of a termination")
                fields = self.tried(job_id, ESSENTIAL, code) | fields
                ending = Ending(ending.state, ending.words, code)
            if job_id in self._arrays:
                fields |= self._arrays[job_id].cut_short(reason)
            self.end(job_id, "FAILED", ending, **fields)

        takes = choices.between(0.5, 40 if slow else 2, "termination")
        if choices.strikes("terminated-late", "batch"):
            # Meanwhile it goes on as if nobody had asked.
            takes = choices.seconds(*_TERMINATED_LATE, "termination")
        self.after(job_id, takes, end)

    def tell(self, job_id: str, status: str, *, late: float = 0, **fields: Any) -> None:
        """Bring a job into a state, and send the event of it, `late` seconds later."""
        world = self._world
        world.batch.move(job_id, status, **fields)
        world.trace.say("batch", f"{job_id} is {status}")
        event = world.batch.event(job_id)
        if job_id in self._unheard:
            return
        if late:
            deliver = partial(world.eventbridge.deliver_aws, event)
            world.scheduler.later(late, deliver, "batch speaks late")
        else:
            world.eventbridge.deliver_aws(event)

    def tell_of_child(self, job_id: str, index: int, status: str, **fields: Any) -> None:
        """Send the event of one job of an array."""
        self._deliver_of_child(job_id, index, "Batch Job State Change", status=status, **fields)

    def block(self, job_id: str, index: int | None = None) -> None:
        """Say that a job is at the head of its queue and cannot start; or one of an array."""
        kind = "Batch Job Queue Blocked"
        if index is not None:
            self._deliver_of_child(job_id, index, kind, status="RUNNABLE", statusReason=BLOCKED)
            return
        event = self._world.batch.event(job_id, kind, statusReason=BLOCKED)
        self._world.eventbridge.deliver_aws(event)

    def _deliver_of_child(self, job_id: str, index: int, kind: str, **fields: Any) -> None:
        child = {"jobId": f"{job_id}:{index}", "arrayProperties": {"index": index}}
        if job_id not in self._unheard:
            event = self._world.batch.event(job_id, kind, **child, **fields)
            self._world.eventbridge.deliver_aws(event)

    def end(self, job_id: str, status: str, ending: Ending, **fields: Any) -> None:
        """End a job."""
        ledger, choices = self._world.ledger, self._world.choices
        ledger.endings[job_id] = ending
        late = 0.0
        if choices.strikes("job-forgotten", "batch"):
            # Seven days later; here sooner. Who has not heard of its end by then, asks in vain; and
            # the news of it may lie in a dead-letter queue for longer.
            forget = partial(self._forget, job_id)
            self._world.scheduler.later(choices.between(1, 600, "forgotten"), forget, "batch")
            if choices.among((True, False), "the end is told late"):
                late = choices.between(60, 1200, "the end is told late")
        stopped_at = round(self._world.scheduler.now * 1000)
        self.tell(job_id, status, late=late, stoppedAt=stopped_at, **fields)
        for listener in ledger.job_listeners:
            listener(job_id)

    def tried(
        self, job_id: str, status_reason: str, code: int | None = None, reason: str | None = None
    ) -> dict[str, Any]:
        """The fields of a job after one more of its tries has ended."""
        job, now = self._job(job_id), round(self._world.scheduler.now * 1000)
        container: dict[str, Any] = {"logStreamName": f"project/default/{job_id}"}
        container |= {} if code is None else {"exitCode": code}
        container |= {} if reason is None else {"reason": reason}
        ended = {"container": container, "stoppedAt": now, "statusReason": status_reason}
        if "startedAt" in job:
            ended["startedAt"] = job["startedAt"]
        return {
            "attempts": [*job.get("attempts", []), ended],
            "container": {**job.get("container", {}), **container},
        }

    def after(self, job_id: str, seconds: float, act: Callable[[], None]) -> None:
        """Do something with a job, unless it is over by then."""

        def unless_over() -> None:
            job = self._world.batch.jobs.get(job_id)
            if job is not None and job["status"] not in _OVER:
                act()

        self._world.scheduler.later(seconds, unless_over, "batch")

    def _forget(self, job_id: str) -> None:
        if not is_followed(self._world, job_id):
            return  # in seven days whoever submitted it would have found it
        self._world.ledger.forgotten.add(job_id)
        self._world.batch.forget(job_id)
        self._world.count("jobs forgotten")

    def _job(self, job_id: str) -> dict[str, Any]:
        return self._world.batch.jobs[job_id]
