"""What AWS Batch says of a job, and what that means for its run.

The detail of a "Batch Job State Change" event is what DescribeJobs answers, so one reading serves
the monitor, which gets events, and the reconciler, which asks. Only the fields in use are read.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from shared import exits
from shared.aws import calling
from shared.events import Model, RunId, State
from shared.names import MAX_NAME, last_part
from shared.runs import Blocked, Run, finish, rank, stopped_by

_STATES: dict[str, State] = {
    "SUBMITTED": "submitted",
    "PENDING": "submitted",
    "RUNNABLE": "submitted",
    "STARTING": "submitted",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
}
# Past RUNNABLE nothing blocks a job any more.
_MAY_BE_BLOCKED = frozenset({"SUBMITTED", "PENDING", "RUNNABLE"})
_TIME_LIMIT = re.compile(r"Canceled by JobStateTimeLimit action due to reason: ?(.*)", re.DOTALL)
_TIMEOUT = "Job attempt duration exceeded timeout"
_HOST_LOST = "Host EC2"
# What Docker, containerd and ECR say of an image that nobody has pushed. A refused access reads
# otherwise, and other things may not be found either: only the end "<image>: not found" counts.
# aws/containers-roadmap#2687, CircleCI-Public/circleci-demo-aws-ecs-ecr#4
_NO_IMAGE = re.compile(
    r"manifest unknown|manifest for \S+ not found|name unknown|"
    r"(?<![\w./:-])[\w.-]+(:[0-9]+)?(/[\w.-]+)+(:[\w.-]+|@sha256:[0-9a-f]+)\"?: not found\s*$",
    re.IGNORECASE,
)
_ENDED_BY_ITSELF = "Essential container in task exited"
_KILLED = 137
_LONGEST_REASON = 1000
# While a compute environment scales up from zero Batch calls its queue blocked for some minutes.
_BLOCKED_SHOWN = timedelta(minutes=10)


class _Container(Model):
    exit_code: Annotated[int | None, Field(alias="exitCode")] = None
    reason: str | None = None
    log_stream: Annotated[str | None, Field(alias="logStreamName")] = None


class _Try(Model):
    container: _Container = _Container()
    status_reason: Annotated[str | None, Field(alias="statusReason")] = None


class _ArrayProperties(Model):
    index: int | None = None


class JobDetail(Model):
    """A job as Batch describes it. Times are milliseconds since 1970."""

    job_id: Annotated[str, Field(alias="jobId")]
    job_name: Annotated[str, Field(alias="jobName")]
    job_queue: Annotated[str, Field(alias="jobQueue")]
    status: str
    status_reason: Annotated[str | None, Field(alias="statusReason")] = None
    attempts: tuple[_Try, ...] = ()
    started_at: Annotated[int | None, Field(alias="startedAt")] = None
    stopped_at: Annotated[int | None, Field(alias="stoppedAt")] = None
    parameters: Annotated[dict[str, str], Field(default_factory=dict)]
    container: _Container = _Container()
    array: Annotated[_ArrayProperties, Field(alias="arrayProperties")] = _ArrayProperties()
    terminated: Annotated[bool, Field(alias="isTerminated")] = False
    cancelled: Annotated[bool, Field(alias="isCancelled")] = False

    @property
    def run_id(self) -> RunId | None:
        """The run that the job says it belongs to; None for a job that is not ours.

        A child of an array job has none either: its parent speaks for all. Nor has one whose
        run's id is longer than the name of a job, which holds it.
        """
        run_id = self.parameters.get("runId", "")
        ours = 0 < len(run_id) < MAX_NAME and self.array.index is None
        return RunId(run_id) if ours else None

    @property
    def attempt(self) -> int | None:
        """The run's attempt that the job was submitted for."""
        attempt = self.parameters.get("attempt", "")
        return (
            int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 9 else None
        )

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self.status in {"SUCCEEDED", "FAILED"}

    @property
    def try_number(self) -> int:
        """Which try of Batch's this is, from 1. `attempts` lists the tries that have ended."""
        return max(1, len(self.attempts) if self.over else len(self.attempts) + 1)

    @property
    def last(self) -> _Container:
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


def follow(run: Run, job: JobDetail, now: datetime) -> Run:
    """The record after Batch said `job`: moved forward, or the same if this is old news.

    Order is (try, rank of state) within the attempt; a final state ends the attempt.
    """
    if not is_job_of(job, run) or run.job is None or run.final:
        return run
    if run.job.id not in (None, job.job_id) or job.status not in _STATES:
        return run
    state = _STATES[job.status]
    here, there = (run.try_number, rank(run.state)), (job.try_number, rank(state))
    log_stream = (job.last.log_stream if there >= here else None) or run.job.log_stream
    known = run.job.model_copy(update={"id": job.job_id, "log_stream": log_stream})
    moved = run.changed(job=known, lease_until=None)
    if job.over:
        moved = _ended(moved, job, now)
    elif there > here:
        moved = moved.changed(
            state=state,
            try_number=job.try_number,
            reason=_why_again(job),
            submitted_at=run.submitted_at or now,
            started_at=_moment(job.started_at) if state == "running" else None,
            blocked=_blocked(None, job, now),
        )
    elif there == here:
        moved = moved.changed(blocked=_blocked(run.blocked, job, now))
    return moved.changed(updated_at=now) if moved != run else run


def gone(run: Run, now: datetime) -> Run:
    """The record of a run whose job Batch has forgotten: it keeps ended jobs for seven days."""
    if run.stop_asked is not None:
        return finish(run, "stopped", stopped_by(run.stop_asked), now)
    reason = "Batch does not know the job any more: how it ended is not known"
    return finish(run, "failed", reason, now)


def _ended(run: Run, job: JobDetail, now: datetime) -> Run:
    state, reason = _verdict(run, job)
    return run.changed(
        state=state,
        try_number=max(run.try_number, job.try_number),
        reason=reason,
        exit_code=job.last.exit_code,
        submitted_at=run.submitted_at or now,
        started_at=_moment(job.started_at) or run.started_at,
        stopped_at=_moment(job.stopped_at) or now,
        blocked=None,
    )


def _verdict(run: Run, job: JobDetail) -> tuple[State, str | None]:
    """How an ended job ended, and why, in words for the person who pushed."""
    if job.status == "SUCCEEDED" or job.last.exit_code == 0:
        return "succeeded", None
    said = (job.status_reason or "")[:_LONGEST_REASON]
    time_limit = _TIME_LIMIT.match(said)
    if run.stop_asked is not None:
        return "stopped", stopped_by(run.stop_asked)
    if said.startswith(_TIMEOUT):
        return "failed", "it ran longer than the job's timeout allows"
    if time_limit:
        return "failed", f"it waited longer than the job queue allows: {time_limit[1]}"
    if job.terminated or job.cancelled:
        return "stopped", f"stopped from outside: {said or 'no reason given'}"
    return "failed", _failure(run, job, said)


def _failure(run: Run, job: JobDetail, said: str) -> str:
    container = job.last
    why = container.reason or (job.container.reason or "")
    tries = f" ({job.try_number} tries)" if job.try_number > 1 else ""
    if "outofmemory" in why.lower():
        return "out of memory: ask for more with the MEMORY keyword" + tries
    if said.startswith(_HOST_LOST):
        return f"spot interruption: the machine was taken away{tries}"
    if "CannotPullContainer" in why:
        return _not_pulled(run, why[:_LONGEST_REASON])
    if container.exit_code == _KILLED:
        return f"exit code 137: killed, which often means out of memory{tries}"
    if container.exit_code is not None:
        return _exit_code(container.exit_code, job.try_number)
    texts = [text for text in (said, why[:_LONGEST_REASON]) if text and text != _ENDED_BY_ITSELF]
    return ": ".join(texts) or "Batch gave no reason"


def _not_pulled(run: Run, why: str) -> str:
    """Why there was no image; where nobody has pushed one, the command that does comes first."""
    if not _NO_IMAGE.search(why):
        return f"image pull: {why}"
    project = run.repository.full_name if run.repository is not None else "WORKSPACE/SLUG"
    return (
        f"image pull: there is no such image: cloud-runner image push {project}, then rerun: {why}"
    )


def _exit_code(code: int, tries: int) -> str:
    """How the job's program ended, in words where it says so; else the code of something else."""
    known = exits.words(code)
    if known is None:
        return f"exit code {code}" + (f" ({tries} tries)" if tries > 1 else "")
    return f"{known} (exit code {code}" + (f", {tries} tries)" if tries > 1 else ")")


def _why_again(job: JobDetail) -> str | None:
    """Why a job is on its second try or later."""
    if not job.attempts:
        return None
    said = job.attempts[-1].status_reason or ""
    if said.startswith(_HOST_LOST):
        return "the machine of the try before was taken away (spot)"
    return f"the try before ended: {job.attempts[-1].container.reason or said}"[:_LONGEST_REASON]


def _blocked(known: Blocked | None, job: JobDetail, now: datetime) -> Blocked | None:
    """Why the job cannot start; shown only when it has lasted, for it often passes by itself."""
    if job.status not in _MAY_BE_BLOCKED or not job.status_reason:
        return None
    since = known.since if known is not None else now
    return Blocked(
        reason=job.status_reason[:_LONGEST_REASON], since=since, shown=now - since >= _BLOCKED_SHOWN
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if not milliseconds else datetime.fromtimestamp(milliseconds / 1000, UTC)


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
