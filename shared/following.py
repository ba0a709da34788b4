"""What Batch's word of a job does to the record of its run: forward, or nothing."""

from datetime import UTC, datetime, timedelta

from shared.batch_jobs import JobDetail, is_job_of
from shared.endings import LONGEST_REASON, ending, why_again
from shared.progress import progress, uncounted
from shared.runs import Blocked, Run, finish, rank, stopped_by

# Past RUNNABLE nothing blocks a job any more.
_MAY_BE_BLOCKED = frozenset({"SUBMITTED", "PENDING", "RUNNABLE"})
_STARTED = ("STARTING", "RUNNING")
# While a compute environment scales up from zero Batch calls its queue blocked for some minutes.
_BLOCKED_SHOWN = timedelta(minutes=10)
# AWS Batch user guide, "Job states": what has ended is kept for seven days at least.
_KEPT = timedelta(days=7)


def follow(run: Run, job: JobDetail, now: datetime) -> Run:
    """The record after Batch said `job`: moved forward, or the same if this is old news.

    Order is (try, rank of state) within the attempt; a final state ends the attempt.
    """
    if not is_job_of(job, run) or run.job is None or run.final:
        return run
    state = job.state
    if run.job.id not in (None, job.job_id) or state is None or uncounted(run, job, now):
        return run
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
            reason=why_again(job),
            submitted_at=run.submitted_at or now,
            started_at=_started(job, now) if state == "running" else None,
            blocked=_blocked(None, job, now),
        )
    elif there == here:
        moved = moved.changed(blocked=_blocked(run.blocked, job, now))
    return moved.changed(updated_at=now) if moved != run else run


def point_waits(run: Run, child: JobDetail, now: datetime) -> Run:
    """The record after Batch said of a child of its job why it cannot start; nothing else moves."""
    ours = run.job is not None and run.job.id == child.parent_id and is_job_of(child, run)
    blocked = _blocked(run.blocked, child, now)
    if not ours or run.final or blocked is None or blocked == run.blocked:
        return run
    return run.changed(blocked=blocked, updated_at=now)


def gone(run: Run, now: datetime) -> Run:
    """The record of a run after DescribeJobs has left its job out: ended, or the same.

    A job that lived less than seven days ago Batch knows, and an answer without it is not the whole
    answer. It may lag behind SubmitJob, and nowhere promises to be complete.
    """
    if now - _lived_at(run) < _KEPT:
        return run
    if run.stop_asked is not None:
        return finish(run, "stopped", stopped_by(run.stop_asked), now)
    reason = "Batch does not know the job any more: how it ended is not known"
    return finish(run, "failed", reason, now)


def _lived_at(run: Run) -> datetime:
    """When the attempt's job, or its request, was last known to be alive."""
    looked_at = run.progress.looked_at if run.progress is not None else None
    return max(filter(None, (run.requested_at, run.submitted_at, run.started_at, looked_at)))


def _ended(run: Run, job: JobDetail, now: datetime) -> Run:
    state, reason = ending(run, job)
    return run.changed(
        state=state,
        try_number=max(run.try_number, job.try_number),
        reason=reason,
        exit_code=job.last.exit_code,
        progress=progress(run, job, now),
        submitted_at=run.submitted_at or now,
        started_at=_moment(job.started_at) or run.started_at,
        stopped_at=_moment(job.stopped_at) or now,
        blocked=None,
    )


def _blocked(known: Blocked | None, job: JobDetail, now: datetime) -> Blocked | None:
    """Why the job cannot start; shown only when it has lasted, for it often passes by itself.

    Of an array Batch says it of a child, and never that it is over: it is when a point has started.
    """
    reason = job.status_reason
    if not reason and known is not None and job.array.size is not None:
        children = job.array.children or {}
        reason = None if any(map(children.get, _STARTED)) else known.reason
    if job.status not in _MAY_BE_BLOCKED or not reason:
        return None
    since = known.since if known is not None else now
    return Blocked(reason=reason[:LONGEST_REASON], since=since, shown=now - since >= _BLOCKED_SHOWN)


def _started(job: JobDetail, now: datetime) -> datetime | None:
    """When the job began; the parent of an array does not say it before its end."""
    return _moment(job.started_at) or (now if job.array.size is not None else None)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if not milliseconds else datetime.fromtimestamp(milliseconds / 1000, UTC)
