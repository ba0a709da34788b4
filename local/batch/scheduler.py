"""Who runs when: jobs become RUNNABLE, wait for a free slot in their order, and are tried."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from local.batch.arns import Account, log_stream, new_instance_id, new_task_id
from local.batch.jobs import DEPENDENCY_FAILED, Job, Outcome, lost_with
from local.batch.ledger import Ledger, now_ms
from local.batch.shapes import AttemptContainer, Status
from local.batch.tries import Cause


class RunnableTry(Protocol):
    """A try of a job."""

    def run(self, on_running: Callable[[], object]) -> Outcome | None:
        """Run to the end; None if the endpoint shuts down."""

    def end(self, cause: Cause) -> None:
        """End it from outside."""

    def kill(self) -> None:
        """End its processes at once."""


class Scheduler:
    """Runs at most `slots` tries at once, first come first served over all queues."""

    def __init__(
        self, ledger: Ledger, account: Account, slots: int, begin: Callable[[Job], RunnableTry]
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._slots = slots
        self._begin = begin
        self._paused: set[str] = set()
        self._tries: dict[str, RunnableTry] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Count what an earlier endpoint left running as lost with its machine; then begin."""
        for job in self._ledger.in_status(Status.STARTING, Status.RUNNING):
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
        """End a job's current try; answer whether there is one."""
        with self._ledger.changed:
            one = self._tries.get(job_id)
        if one is not None:
            one.end(cause)
        return one is not None

    def _run(self) -> None:
        with self._ledger.changed:
            while not self._stopping:
                for job in self._ledger.in_status(Status.SUBMITTED, Status.PENDING):
                    self._admit(job)
                self._fill_slots()
                self._ledger.changed.wait()

    def _admit(self, job: Job) -> None:
        """Take a job from SUBMITTED to PENDING or RUNNABLE, and from PENDING on."""
        needs = [self._ledger.get(one.job_id or "") for one in job.depends_on]
        if any(need is not None and need.status is Status.FAILED for need in needs):
            status = Status.FAILED
        elif all(need is not None and need.status is Status.SUCCEEDED for need in needs):
            status = Status.RUNNABLE
        else:
            status = Status.PENDING
        if job.is_array:
            status = Status.PENDING  # and ends with its children
        if status is Status.FAILED:
            failed = partial(Job.failed, reason=DEPENDENCY_FAILED, now=now_ms())
            self._ledger.change(job.job_id, failed)
        elif status is not job.status:
            self._ledger.change(job.job_id, partial(Job.changed, status=status))

    def _fill_slots(self) -> None:
        for job in self._ledger.in_status(Status.RUNNABLE):
            if job.refused_because is not None:
                failed = partial(Job.failed, reason=job.refused_because, now=now_ms())
                self._ledger.change(job.job_id, failed)
            elif len(self._tries) >= self._slots:
                return
            elif job.job_queue not in self._paused:
                self._try(job)

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
        threading.Thread(
            target=self._follow, args=(job.job_id, one), name=f"try {job.job_id}", daemon=True
        ).start()

    def _follow(self, job_id: str, one: RunnableTry) -> None:
        """Run a try and note how it ended; the slot is free again whatever happens."""
        outcome: Outcome | None = None
        try:
            outcome = one.run(lambda: self._ledger.change(job_id, _running))
        finally:
            with self._ledger.changed:
                del self._tries[job_id]
                if outcome is not None:
                    ended = partial(Job.ended, outcome=outcome, now=now_ms())
                    self._ledger.change(job_id, ended)
                self._ledger.changed.notify_all()


def _running(job: Job) -> Job:
    return job.running(now_ms())
