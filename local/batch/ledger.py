"""All jobs and their states: every change is stored, and told to whoever waits, in one step."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from local.batch.events import Announcer
from local.batch.jobs import Job
from local.batch.shapes import Document, Status
from local.batch.store import Store

log = logging.getLogger(__name__)

_KIND: Final = "job"


def now_ms() -> int:
    """The time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Ledger:
    """Jobs by id, in the order in which they came.

    `changed` guards them all and is notified after each change; hold it to see or change several
    jobs at one moment.
    """

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self.changed = threading.Condition()
        self._store = store
        self._announcer = announcer
        self._jobs: dict[str, Job] = {}
        self._positions: dict[str, int] = {}
        self._children: dict[str, list[str]] = {}
        self._summaries: dict[str, Counter[Status]] = {}
        self._in_status: dict[Status, dict[str, None]] = {status: {} for status in Status}
        for body in store.load(_KIND):
            self._remember(Job.model_validate_json(body))

    def add(self, jobs: Iterable[Job]) -> None:
        """Take new jobs; Batch tells nobody of a submission."""
        with self.changed:
            added = list(jobs)
            self._store.save(_KIND, ((job.job_id, job) for job in added))
            for job in added:
                self._remember(job)
            self.changed.notify_all()

    def change(self, job_id: str, update: Callable[[Job], Job]) -> Job:
        """Change a job, and its array's parent with it; answer the job after the change."""
        with self.changed:
            before = self._jobs[job_id]
            after = update(before)
            touched = [(before, after)]
            self._replace(before, after)
            if after.array_parent is not None and after.status is not before.status:
                parent = self._jobs[after.array_parent]
                rolled_up = parent.rolled_up(self._summaries[parent.job_id], now_ms())
                self._replace(parent, rolled_up)
                touched.append((parent, rolled_up))
            self._store.save(
                _KIND,
                ((new.job_id, new) for old, new in touched if new is not old),
                [
                    event
                    for old, new in touched
                    if new.status is not old.status
                    for event in self._announcer.state_change(self.detail(new))
                ],
            )
            self.changed.notify_all()
            return after

    def block(self, job_id: str, reason: str) -> Job:
        """Say why a RUNNABLE job waits, as the event "Batch Job Queue Blocked"."""
        with self.changed:
            blocked = self._jobs[job_id].changed(status_reason=reason)
            self._replace(self._jobs[job_id], blocked)
            self._store.save(
                _KIND, [(job_id, blocked)], self._announcer.queue_blocked(self.detail(blocked))
            )
            return blocked

    def get(self, job_id: str) -> Job | None:
        """The job, or None if there never was one of that id."""
        return self._jobs.get(job_id)

    def position(self, job: Job) -> int:
        """The job's place in the order of submission, from 0."""
        return self._positions[job.job_id]

    def children(self, parent_id: str) -> list[Job]:
        """An array's children, in the order of their indexes."""
        with self.changed:
            return [self._jobs[job_id] for job_id in self._children.get(parent_id, ())]

    def in_status(self, *statuses: Status) -> list[Job]:
        """The jobs in these states, each state's in the order in which they came into it."""
        with self.changed:
            return [self._jobs[one] for status in statuses for one in self._in_status[status]]

    def newest_first(self) -> Iterator[Job]:
        """All jobs but arrays' children, the last submitted first."""
        with self.changed:
            jobs = [job for job in self._jobs.values() if job.array_parent is None]
        return reversed(jobs)

    def detail(self, job: Job) -> Document:
        """The job as DescribeJobs and events show it."""
        return job.detail(self._summaries.get(job.job_id))

    def _remember(self, job: Job) -> None:
        self._positions[job.job_id] = len(self._positions)
        self._jobs[job.job_id] = job
        self._in_status[job.status][job.job_id] = None
        if job.is_array:
            self._summaries[job.job_id] = Counter()
        if job.array_parent is not None:
            self._children.setdefault(job.array_parent, []).append(job.job_id)
            self._summaries[job.array_parent][job.status] += 1

    def _replace(self, before: Job, after: Job) -> None:
        self._jobs[after.job_id] = after
        if after.status is before.status:
            return
        log.info("job %s %s: %s", after.job_id, after.status, after.status_reason or after.job_name)
        del self._in_status[before.status][before.job_id]
        self._in_status[after.status][after.job_id] = None
        if after.array_parent is not None:
            summary = self._summaries[after.array_parent]
            summary[before.status] -= 1
            summary[after.status] += 1
