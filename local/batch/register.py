"""Which jobs there are, and where each is kept.

A job is in memory until it has ended; of an array's children only those that have begun and not
ended are. Before that their array's form stands for them, and afterwards they are in the store.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from local.batch.arrays import Children, child_of, form_of, is_form, parse_child_id
from local.batch.jobs import Job
from local.batch.shapes import Shape, Status
from local.batch.store import Store

_JOB: Final = "job"
_CHILD: Final = "child"


def rows(jobs: Iterable[Job]) -> Iterator[tuple[str, str, Shape]]:
    """Jobs as the store takes them: kind, key and body."""
    for job in jobs:
        alone = job.array_parent is None or is_form(job)
        yield (_JOB if alone else _CHILD), job.job_id, job


class Register:
    """Jobs by id. Whoever changes or reads several of them sees to it that nobody else does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._positions: dict[str, int] = {}
        self._arrays: dict[str, Children] = {}
        for body in store.load(_JOB):
            self.put(Job.model_validate_json(body))
        for job_id, status in store.members(_CHILD, "status"):
            if Status(status).is_final:
                self._note(job_id, Status(status))
            else:
                self.put(self._stored(_CHILD, job_id))

    def __iter__(self) -> Iterator[Job]:
        """The jobs in memory, forms among them."""
        return iter(self._jobs.values())

    def newest_first(self) -> Iterator[Job]:
        """All jobs but arrays' children; those that have ended are read when it is their turn."""
        found = (self.get(job_id) for job_id in reversed([*self._positions]))
        return (job for job in found if job is not None)

    def add(self, job: Job) -> list[Job]:
        """Keep a new job, of an array with its form; answer what is to be stored."""
        jobs = [job, form_of(job)] if job.is_array else [job]
        for one in jobs:
            self.put(one)
        return jobs

    def put(self, job: Job) -> None:
        """Keep a job, a form or a child, or replace it."""
        if job.array_parent is None:
            self._positions.setdefault(job.job_id, len(self._positions))
            if job.status.is_final and not job.is_array:
                self._jobs.pop(job.job_id, None)
                return
        elif not is_form(job):
            self._note(job.job_id, job.status)
            if job.status.is_final:
                self._jobs.pop(job.job_id, None)
                return
        elif job.array_parent in self._arrays:
            self._arrays[job.array_parent].form = job
        else:
            self._arrays[job.array_parent] = Children(job)
        self._jobs[job.job_id] = job

    def get(self, job_id: str) -> Job | None:
        """The job of an id that Batch knows: of a form, none."""
        child = parse_child_id(job_id)
        if child is None:
            job = self._jobs.get(job_id)
            if job is None and job_id in self._positions:
                return self._stored(_JOB, job_id)
            return None if job is None or is_form(job) else job
        parent_id, index = child
        children = self._arrays.get(parent_id)
        if children is None or index >= children.size:
            return None
        if not children.has_own_way(index):
            return child_of(children.form, index)
        return self._jobs.get(job_id) or self._stored(_CHILD, job_id)

    def next_of(self, job_id: str) -> Job:
        """The job that stands in a line under an id: of a form, the first child that it is of."""
        job = self._jobs[job_id]
        if job.array_parent is None or not is_form(job):
            return job
        return child_of(job, self._arrays[job.array_parent].first_alike())

    def children(self, parent_id: str) -> Children | None:
        """What state an array's children are in; None if the job is no array."""
        return self._arrays.get(parent_id)

    def not_ended(self, parent_id: str) -> list[Job]:
        """What stands for the children of an array that have not ended: their form, and each."""
        children = self._arrays[parent_id]
        form = [children.form] if children.alike and not children.form.status.is_final else []
        own = [f"{parent_id}:{index}" for index in children.own_not_ended()]
        return [*form, *(self._jobs[job_id] for job_id in own)]

    def position(self, job: Job) -> int:
        """A job's place in the order of submission, from 0; a child has its array's."""
        return self._positions[job.array_parent or job.job_id]

    def _note(self, job_id: str, status: Status) -> None:
        child = parse_child_id(job_id)
        if child is None:
            raise ValueError(f"{job_id} is not a child")
        parent_id, index = child
        self._arrays[parent_id].note(index, status)

    def _stored(self, kind: str, job_id: str) -> Job:
        body = self._store.find(kind, job_id)
        if body is None:
            raise LookupError(f"{job_id} is not in the store")
        return Job.model_validate_json(body)
