"""All jobs and their states: every change is stored, and told to whoever waits, in one step."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from local.batch.arrays import is_form
from local.batch.events import Announcer
from local.batch.jobs import Job
from local.batch.lines import Line, Lines
from local.batch.register import Register, rows
from local.batch.shapes import Document, Status
from local.batch.store import Store

log = logging.getLogger(__name__)

_ON_MACHINES = (Status.STARTING, Status.RUNNING)


def now_ms() -> int:
    """The time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Ledger:
    """Jobs by id, in the order in which they came.

    `changed` guards them all and is notified after each change; hold it to see or change several
    jobs at one moment. `lines` is who waits for a slot. What is done for an array at once takes no
    longer for a larger one.
    """

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self.changed = threading.Condition()
        self.lines = Lines()
        self._store = store
        self._announcer = announcer
        self._register = Register(store)
        self._to_admit: dict[str, None] = {}
        # By the id of a job, who is to be looked at again when it has ended.
        self._dependents: dict[str, list[str]] = {}
        for job in self._register:
            self._welcome(job)

    def add(self, job: Job) -> None:
        """Take a new job, of an array the parent; Batch tells nobody of a submission."""
        with self.changed:
            added = self._register.add(job)
            self._store.save(rows(added))
            for one in added:
                self._welcome(one)
            self.changed.notify_all()

    def change(self, job_id: str, update: Callable[[Job], Job]) -> Job:
        """Change a job, and its array's parent with it; answer the job after the change."""
        with self.changed:
            before = self._known(job_id)
            after = update(before)
            self._record([(before, after)])
            return after

    def change_children(self, parent_id: str, update: Callable[[Job], Job]) -> None:
        """Change all children of an array that have not ended."""
        with self.changed:
            self._record([(one, update(one)) for one in self._register.not_ended(parent_id)])

    def block(self, job_id: str, reason: str) -> Job:
        """Say why a RUNNABLE job waits, as the event "Batch Job Queue Blocked"."""
        with self.changed:
            before = self._known(job_id)
            blocked = before.changed(status_reason=reason)
            self._replace(before, blocked)
            self._store.save(rows([blocked]), self._announcer.queue_blocked(self.detail(blocked)))
            return blocked

    def get(self, job_id: str) -> Job | None:
        """The job, or None if there never was one of that id."""
        with self.changed:
            return self._register.get(job_id)

    def position(self, job: Job) -> int:
        """The job's place in the order of submission, from 0."""
        return self._register.position(job)

    def children_in(self, parent_id: str, status: Status) -> Iterator[int]:
        """The indexes of an array's children in a state, in their order."""
        children = self._register.children(parent_id)
        return iter(()) if children is None else children.in_status(status)

    def first_in(self, line: Line) -> Job:
        """The job whose turn it is in a line in which somebody is."""
        with self.changed:
            return self._register.next_of(self.lines.first(line).job_id)

    def to_admit(self) -> list[Job]:
        """The jobs, of arrays the parents, that are to be looked at since this was last asked."""
        with self.changed:
            job_ids, self._to_admit = self._to_admit, {}
            return [self._known(job_id) for job_id in job_ids]

    def on_machines(self) -> list[Job]:
        """The jobs that have a try."""
        with self.changed:
            return [job for job in self._register if job.status in _ON_MACHINES]

    def newest_first(self) -> Iterator[Job]:
        """All jobs but arrays' children, the last submitted first; hold `changed` to read them."""
        return self._register.newest_first()

    def detail(self, job: Job) -> Document:
        """The job as DescribeJobs and events show it."""
        children = self._register.children(job.job_id)
        return job.detail(None if children is None else children.summary())

    def _known(self, job_id: str) -> Job:
        job = self._register.get(job_id)
        if job is None:
            raise LookupError(f"there is no job {job_id}")
        return job

    def _welcome(self, job: Job) -> None:
        """Note what a job waits for that is new, or that an earlier endpoint left."""
        self._line_up(job)
        if job.array_parent is None and job.status in (Status.SUBMITTED, Status.PENDING):
            self._to_admit[job.job_id] = None
            for needed in job.depends_on:
                self._dependents.setdefault(needed.job_id or "", []).append(job.job_id)

    def _record(self, changes: list[tuple[Job, Job]]) -> None:
        """Keep, store and announce changes, and those of the arrays that they are of."""
        changes = [(before, after) for before, after in changes if after is not before]
        for before, after in changes:
            self._replace(before, after)
        moved = (after for before, after in changes if after.status is not before.status)
        for parent_id in dict.fromkeys(job.array_parent for job in moved):
            if parent_id is not None:
                changes += self._rolled_up(parent_id)
        self._store.save(
            rows(after for _, after in changes),
            [
                event
                for before, after in changes
                if after.status is not before.status
                for event in self._events_of(after)
            ],
        )
        self.changed.notify_all()

    def _rolled_up(self, parent_id: str) -> list[tuple[Job, Job]]:
        """Whether an array ends with the states of its children: the change of its parent."""
        parent, children = self._known(parent_id), self._register.children(parent_id)
        if children is None:
            raise LookupError(f"{parent_id} is no array")
        after = parent.rolled_up(children.summary(), now_ms())
        if after is parent:
            return []
        self._replace(parent, after)
        return [(parent, after)]

    def _events_of(self, job: Job) -> list[Document]:
        children = self._register.children(job.array_parent or "")
        if children is not None and is_form(job):
            return self._announcer.children_changed(job.detail(), children.alike_indexes())
        return self._announcer.state_change(self.detail(job))

    def _replace(self, before: Job, after: Job) -> None:
        self._register.put(after)
        self._line_up(after, ahead=before.status is Status.RUNNABLE)
        if after.status is before.status:
            return
        log.info("job %s %s: %s", after.job_id, after.status, after.status_reason or after.job_name)
        if after.status.is_final:
            self._release(after)

    def _line_up(self, job: Job, *, ahead: bool = False) -> None:
        """Let a job wait for a slot, or no longer; who left its array's form waits ahead of it."""
        children = self._register.children(job.array_parent or "")
        if job.status is Status.RUNNABLE:
            self.lines.join(job, ahead=ahead)
        else:
            self.lines.leave(job)
        if children is not None and not children.alike:
            self.lines.leave(children.form)

    def _release(self, ended: Job) -> None:
        """Have those looked at that wait for a job, or for a child that the job is the form of."""
        prefix = f"{ended.array_parent}:" if is_form(ended) else None
        for job_id in [ended.job_id] if prefix is None else [*self._dependents]:
            if prefix is None or job_id.startswith(prefix):
                self._to_admit.update(dict.fromkeys(self._dependents.pop(job_id, ())))
