"""Who runs when: jobs become RUNNABLE, wait for a slot in their line, and are tried."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from local.batch.arns import Account, log_stream, new_instance_id, new_task_id
from local.batch.jobs import DEPENDENCY_FAILED, Job, Outcome, lost_with
from local.batch.ledger import Ledger, now_ms
from local.batch.lines import Line, line_of
from local.batch.policies import FairShare
from local.batch.shapes import AttemptContainer, Status
from local.batch.shares import Usage
from local.batch.tries import Cause

_NOT_ADMITTED = (Status.SUBMITTED, Status.PENDING)


class RunnableTry(Protocol):
    """A try of a job."""

    def run(self, on_running: Callable[[], object]) -> Outcome | None:
        """Run to the end; None if the endpoint shuts down."""

    def end(self, cause: Cause) -> None:
        """End it from outside."""

    def kill(self) -> None:
        """End its processes at once."""


class Scheduler:
    """Runs at most `slots` tries at once. `policy` tells the scheduling policy of a queue."""

    def __init__(
        self,
        ledger: Ledger,
        account: Account,
        slots: int,
        policy: Callable[[str], FairShare],
        begin: Callable[[Job], RunnableTry],
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._slots = slots
        self._policy = policy
        self._begin = begin
        self._usage = Usage()
        self._paused: set[str] = set()
        self._tries: dict[str, RunnableTry] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Count what an earlier endpoint left running as lost with its machine; then begin."""
        for job in self._ledger.on_machines():
            outcome = lost_with(job.instance or new_instance_id())
            self._ledger.change(job.job_id, partial(Job.ended, outcome=outcome, now=now_ms()))
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End every try: SIGTERM, and SIGKILL after `patience` seconds; answer when all are gone.

        What ran stays stored as running: the next start counts it as lost with its machine.
        """
        with self._ledger.changed:
            self._stopping = True
            running = list(self._tries.values())
            self._ledger.changed.notify_all()
        for one in running:
            one.end(Cause.SHUT_DOWN)
        deadline = time.monotonic() + patience
        with self._ledger.changed:
            self._ledger.changed.wait_for(lambda: not self._tries, patience)
            left = list(self._tries.values())
        for one in left:
            one.kill()
        with self._ledger.changed:
            self._ledger.changed.wait_for(
                lambda: not self._tries, max(deadline - time.monotonic(), 0) + patience
            )

    def pause(self, queue_arn: str, *, paused: bool) -> None:
        """Keep a queue's jobs RUNNABLE, or let them go on."""
        with self._ledger.changed:
            (self._paused.add if paused else self._paused.discard)(queue_arn)
            self._ledger.changed.notify_all()

    def end(self, job_id: str, cause: Cause) -> bool:
        """End a job's current try, or those of an array's children; answer whether there is one."""
        with self._ledger.changed:
            found = [
                one
                for tried, one in self._tries.items()
                if tried == job_id or tried.startswith(f"{job_id}:")
            ]
        for one in found:
            one.end(cause)
        return bool(found)

    def _run(self) -> None:
        with self._ledger.changed:
            while not self._stopping:
                while jobs := self._ledger.to_admit():
                    for job in jobs:
                        self._admit(job)
                while len(self._tries) < self._slots and (line := self._next_line()) is not None:
                    self._try(self._ledger.first_in(line))
                self._ledger.changed.wait()

    def _admit(self, job: Job) -> None:
        """Take a job from SUBMITTED to PENDING or RUNNABLE, and from PENDING on."""
        needs = [self._ledger.get(one.job_id or "") for one in job.depends_on]
        if any(need is not None and need.status is Status.FAILED for need in needs):
            steps = [_dependency_failed]
        elif all(need is not None and need.status is Status.SUCCEEDED for need in needs):
            steps = [_runnable, _refused]
        else:
            steps = [_pending]
        if job.is_array:
            self._ledger.change(job.job_id, _pending)  # and it ends with its children
        for step in steps:
            if job.is_array:
                self._ledger.change_children(job.job_id, step)
            else:
                self._ledger.change(job.job_id, step)

    def _next_line(self) -> Line | None:
        """The line whose turn it is: its share has used least, or its first job came first."""
        lines = self._ledger.lines
        return min(
            (line for line in lines if line.queue_arn not in self._paused),
            key=lambda line: (
                self._usage.weighted(line, self._policy(line.queue_arn)),
                lines.first(line).number,
            ),
            default=None,
        )

    def _try(self, job: Job) -> None:
        instance, task = new_instance_id(), new_task_id()
        where = AttemptContainer(
            container_instance_arn=self._account.ecs("container-instance", new_task_id()),
            task_arn=self._account.ecs("task", task),
            log_stream_name=log_stream(job.job_definition, task),
        )
        starting = self._ledger.change(
            job.job_id, partial(Job.starting, where=where, instance=instance)
        )
        one = self._tries[job.job_id] = self._begin(starting)
        began = self._usage.begin(line_of(job))
        threading.Thread(
            target=self._follow, args=(job, one, began), name=f"try {job.job_id}", daemon=True
        ).start()

    def _follow(self, job: Job, one: RunnableTry, began: float) -> None:
        """Run a try and note how it ended; the slot is free again whatever happens."""
        outcome: Outcome | None = None
        try:
            outcome = one.run(lambda: self._ledger.change(job.job_id, _running))
        finally:
            with self._ledger.changed:
                del self._tries[job.job_id]
                self._usage.end(line_of(job), began, self._policy(job.job_queue))
                if outcome is not None:
                    ended = partial(Job.ended, outcome=outcome, now=now_ms())
                    self._ledger.change(job.job_id, ended)
                self._ledger.changed.notify_all()


def _running(job: Job) -> Job:
    return job.running(now_ms())


def _pending(job: Job) -> Job:
    return job.changed(status=Status.PENDING) if job.status is Status.SUBMITTED else job


def _runnable(job: Job) -> Job:
    return job.changed(status=Status.RUNNABLE) if job.status in _NOT_ADMITTED else job


def _dependency_failed(job: Job) -> Job:
    return job.failed(DEPENDENCY_FAILED, now_ms()) if job.status in _NOT_ADMITTED else job


def _refused(job: Job) -> Job:
    """A job that Batch takes, and then finds that it cannot start."""
    if job.status is not Status.RUNNABLE or job.refused_because is None:
        return job
    return job.failed(job.refused_because, now_ms())
