"""What AWS Batch says of a job.

The detail of a "Batch Job State Change" event is what DescribeJobs answers, so one reading serves
the monitor, which gets events, and the reconciler and the sweeper, which ask. Only the fields in
use are read. What it means for the run is in `shared.following`.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from shared.aws import calling
from shared.events import JobDescribed, Model, RunId, State
from shared.names import MAX_NAME, last_part
from shared.runs import Run

_STATES: dict[str, State] = {
    "SUBMITTED": "submitted",
    "PENDING": "submitted",
    "RUNNABLE": "submitted",
    "STARTING": "submitted",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
}
# Before 9000 AD: a time that Python can reckon with. The sizes are far beyond Batch's, and a record
# has room for them.
_Milliseconds = Annotated[int, Field(ge=0, lt=221_845_392_000_000)]
_Count = Annotated[int, Field(ge=0, lt=10**9)]
_Text = Annotated[str, Field(max_length=1024)]
_BEGUN = ("RUNNING", "SUCCEEDED", "FAILED")


class Container(Model):
    """The container of a try, as far as it has come."""

    exit_code: Annotated[int | None, Field(alias="exitCode", gt=-(2**31), lt=2**32)] = None
    reason: str | None = None
    log_stream: Annotated[_Text | None, Field(alias="logStreamName")] = None


class _Try(Model):
    container: Container = Container()
    status_reason: Annotated[str | None, Field(alias="statusReason")] = None


class _ArrayProperties(Model):
    """A child has an index, its parent a size and the number of children in each status."""

    index: _Count | None = None
    size: _Count | None = None
    children: Annotated[dict[str, _Count] | None, Field(alias="statusSummary")] = None


class JobDetail(Model):
    """A job as Batch describes it. Times are milliseconds since 1970."""

    job_id: Annotated[_Text, Field(alias="jobId")]
    job_name: Annotated[str, Field(alias="jobName")]
    job_queue: Annotated[str, Field(alias="jobQueue")]
    status: str
    status_reason: Annotated[str | None, Field(alias="statusReason")] = None
    attempts: tuple[_Try, ...] = ()
    started_at: Annotated[_Milliseconds | None, Field(alias="startedAt")] = None
    stopped_at: Annotated[_Milliseconds | None, Field(alias="stoppedAt")] = None
    parameters: Annotated[dict[str, str], Field(default_factory=dict)]
    container: Container = Container()
    array: Annotated[_ArrayProperties, Field(alias="arrayProperties")] = _ArrayProperties()
    terminated: Annotated[bool, Field(alias="isTerminated")] = False
    cancelled: Annotated[bool, Field(alias="isCancelled")] = False

    @property
    def run_id(self) -> RunId | None:
        """The run that the job says it belongs to; None for a job that is not ours.

        A child of an array job has none either: its parent speaks for all. Nor has one whose
        run's id is longer than the name of a job, which holds it.
        """
        return self._named if self.array.index is None else None

    @property
    def childs_run_id(self) -> RunId | None:
        """The run that a child of an array job says it belongs to; None for any other job."""
        return self._named if self.array.index is not None else None

    @property
    def parent_id(self) -> str:
        """The id of the array job whose child this is: a child's is `<its parent's>:<index>`.

        AWS Batch user guide, "Array jobs".
        """
        return self.job_id.rpartition(":")[0]

    @property
    def _named(self) -> RunId | None:
        run_id = self.parameters.get("runId", "")
        return RunId(run_id) if 0 < len(run_id) < MAX_NAME else None

    @property
    def attempt(self) -> int | None:
        """The run's attempt that the job was submitted for."""
        attempt = self.parameters.get("attempt", "")
        return (
            int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 9 else None
        )

    @property
    def state(self) -> State | None:
        """The state of a run that it stands for; None for a status of which nothing is known.

        The parent of an array is PENDING while its children run.
        """
        state = _STATES.get(self.status)
        begun = any((self.array.children or {}).get(status) for status in _BEGUN)
        return "running" if state == "submitted" and begun else state

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self.status in {"SUCCEEDED", "FAILED"}

    @property
    def try_number(self) -> int:
        """Which try of Batch's this is, from 1. `attempts` lists the tries that have ended."""
        return max(1, len(self.attempts) if self.over else len(self.attempts) + 1)

    @property
    def last(self) -> Container:
        """The container of the latest try; `attempts` lists those that have ended alone."""
        return self.attempts[-1].container if self.over and self.attempts else self.container


def is_job_of(job: JobDetail, run: Run) -> bool:
    """Whether `job` is one that we submitted for the current attempt of `run`.

    Anybody may submit a job with a parameter `runId`: name and queue must be those that the
    submitter noted before it submitted.
    """
    return (
        run.job is not None
        and job.attempt == run.attempt
        and job.job_name == run.job.name
        and last_part(job.job_queue) == last_part(run.job.queue)
    )


def is_stray(job: JobDetail, run: Run) -> bool:
    """Whether `job`, ours, still runs although the record follows another, or has ended.

    Such a second job of one attempt is possible when ListJobs lagged behind for longer than a
    submitter's lease, and may come to light after a rerun only; an attempt has ended before the
    next begins. Terminating a job that has ended already does nothing.
    """
    if job.over or run.job is None:
        return False
    if job.attempt is not None and job.attempt < run.attempt:
        earlier = run.job.name.removesuffix(f"-{run.attempt}") + f"-{job.attempt}"
        return job.job_name == earlier and last_part(job.job_queue) == last_part(run.job.queue)
    if not is_job_of(job, run):
        return False
    return run.job.id != job.job_id if run.job.id is not None else run.final


def described(run: Run, job_id: str, job: JobDetail | None) -> JobDescribed:
    """What Batch answered about the job of a run, for the monitor; None: it knows no such job."""
    answer = None if job is None else job.model_dump(mode="json", by_alias=True, exclude_none=True)
    return JobDescribed(run_id=run.run_id, attempt=run.attempt, job_id=job_id, job=answer)


class BatchJobs:
    """Batch's jobs, as the services ask for them and end them."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def describe(self, job_ids: Iterable[str]) -> list[JobDetail]:
        """What Batch says of up to 100 jobs (DescribeJobs' limit); unknown ones are left out."""
        with calling("describing jobs"):
            answer = self._batch.describe_jobs(jobs=list(job_ids))
        return [JobDetail.model_validate(job) for job in answer["jobs"]]

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job, whatever it is doing; nothing happens to one that has ended."""
        with calling("terminating a job"):
            # "reason" holds 1,024 characters at most (the service model).
            self._batch.terminate_job(jobId=job_id, reason=reason[:1024])
