"""Batch's operations on jobs."""

from collections.abc import Callable, Mapping
from functools import partial

from local.batch import requests
from local.batch.arns import Account
from local.batch.errors import ClientException
from local.batch.jobs import Job
from local.batch.ledger import Ledger, now_ms
from local.batch.listing import matching, page, summary, wanted_status
from local.batch.queues import Queues
from local.batch.requests import parse
from local.batch.resources import Resources
from local.batch.scheduler import Scheduler
from local.batch.shapes import Document
from local.batch.submission import job_from
from local.batch.tries import Cause

Operation = Callable[[Document], Document]


class JobOperations:
    """Each operation a method from a request to an answer."""

    def __init__(
        self,
        account: Account,
        resources: Resources,
        queues: Queues,
        ledger: Ledger,
        scheduler: Scheduler,
    ) -> None:
        self._account = account
        self._resources = resources
        self._queues = queues
        self._ledger = ledger
        self._scheduler = scheduler

    def by_name(self) -> Mapping[str, Operation]:
        """The operations, as Batch names them."""
        return {
            "SubmitJob": self._submit_job,
            "DescribeJobs": self._describe_jobs,
            "ListJobs": self._list_jobs,
            "CancelJob": self._cancel_job,
            "TerminateJob": self._terminate_job,
            "DeleteJobQueue": self._delete_job_queue,
        }

    def _submit_job(self, request: Document) -> Document:
        asked = parse(requests.SubmitJob, request)
        with self._ledger.changed:  # so that the queue is not deleted in between
            queue = self._resources.queue(asked.job_queue)
            definition = self._resources.active(asked.job_definition)
            for dependency in asked.depends_on:
                self._job(dependency.job_id or "")
            job = job_from(asked, definition, queue, self._account, now_ms())
            self._ledger.add(job)
        return {"jobArn": job.job_arn, "jobName": job.job_name, "jobId": job.job_id}

    def _describe_jobs(self, request: Document) -> Document:
        asked = parse(requests.DescribeJobs, request)
        with self._ledger.changed:
            found = [self._ledger.get(job_id) for job_id in dict.fromkeys(asked.jobs)]
            return {"jobs": [self._ledger.detail(job) for job in found if job is not None]}

    def _list_jobs(self, request: Document) -> Document:
        asked = parse(requests.ListJobs, request)
        if (asked.job_queue is None) == (asked.array_job_id is None):
            raise ClientException("ListJobs takes one of jobQueue and arrayJobId")
        with self._ledger.changed:
            if asked.array_job_id is not None:
                return self._children(asked.array_job_id, asked)
            part = page(
                self._in_queue(asked),
                lambda job: -self._ledger.position(job),
                asked.max_results,
                asked.next_token,
            )
            return part.document("jobSummaryList", lambda job: summary(self._ledger.detail(job)))

    def _children(self, parent_id: str, asked: requests.ListJobs) -> Document:
        """A page of an array's children; the others need not be looked at but for their state."""
        indexes = self._ledger.children_in(parent_id, wanted_status(asked.job_status))
        part = page(indexes, lambda index: index, asked.max_results, asked.next_token)
        return part.document(
            "jobSummaryList", lambda index: summary(self._job(f"{parent_id}:{index}").detail())
        )

    def _in_queue(self, asked: requests.ListJobs) -> list[Job]:
        queue = self._resources.queue(asked.job_queue or "").job_queue_arn
        jobs = (job for job in self._ledger.newest_first() if job.job_queue == queue)
        if asked.filters:
            matches = matching(asked.filters[0])
            return [job for job in jobs if matches(job)]
        status = wanted_status(asked.job_status)
        return [job for job in jobs if job.status is status]

    def _cancel_job(self, request: Document) -> Document:
        asked = parse(requests.StopJob, request)
        with self._ledger.changed:  # so that an array's children do not start in between
            self._stop(asked.job_id, partial(_cancelled, reason=asked.reason))
        return {}

    def _terminate_job(self, request: Document) -> Document:
        asked = parse(requests.StopJob, request)
        with self._ledger.changed:
            self._terminate(asked.job_id, asked.reason)
        return {}

    def _delete_job_queue(self, request: Document) -> Document:
        with self._ledger.changed:  # so that no job is tried whose queue is gone
            queue = self._queues.delete_queue(str(request["jobQueue"]))
            for job in self._ledger.newest_first():
                if queue is not None and job.job_queue == queue.job_queue_arn:
                    self._terminate(job.job_id, "Job queue deleted")
        return {}

    def _terminate(self, job_id: str, reason: str) -> None:
        self._stop(job_id, partial(_terminated, reason=reason))
        self._scheduler.end(job_id, Cause.TERMINATED)

    def _stop(self, job_id: str, update: Callable[[Job], Job]) -> None:
        """Change a job, and after it what it stands for."""
        if self._ledger.change(self._job(job_id).job_id, update).is_array:
            self._ledger.change_children(job_id, update)

    def _job(self, job_id: str) -> Job:
        job = self._ledger.get(job_id)
        if job is None:
            raise ClientException(f"job {job_id} does not exist")
        return job


def _cancelled(job: Job, reason: str) -> Job:
    """A job after CancelJob, which leaves alone what has started: Batch says nothing of it."""
    if not job.status.is_queued:
        return job
    cancelled = job.changed(is_cancelled=True, status_reason=reason)
    return cancelled if job.is_array else cancelled.failed(reason, now_ms())


def _terminated(job: Job, reason: str) -> Job:
    """A job after TerminateJob: a queued one is cancelled, a running one ends when its try does."""
    if job.status.is_final:
        return job
    if job.status.is_queued and not job.is_array:
        return _cancelled(job, reason)
    return job.changed(is_terminated=True, status_reason=reason)
