"""The claim on an attempt, which lets one submitter at a time submit its job."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Unavailable
from shared.events import Job
from shared.runs import Run, finish, stopped_by

_NOT_BEGUN = (
    "the command that asked for it ended before its machine began: cloud-runner remote … experiment"
)


@dataclass(frozen=True)
class Lease:
    """What a submitter claims an attempt with: `by` is of this one call of it alone."""

    by: str
    seconds: int


def claim(run: Run, attempt: int, job: Job, now: datetime, lease: Lease) -> Run:
    """The record with this submitter's lease on `attempt`; the same record if it needs no job.

    It is the same as well if the lease is this submitter's already: the answer to the write that
    put it there was lost, and the write repeated, in vain.

    Raises:
        Unavailable: another delivery holds the lease; it says when that ends.

    """
    if run.attempt != attempt or run.state != "requested":
        return run
    if run.lease_until is not None and now < run.lease_until:
        if run.lease_by == lease.by:
            return run
        left = math.ceil((run.lease_until - now).total_seconds()) + 1
        message = "claiming the attempt: another delivery holds its lease"
        raise Unavailable(message, retry_after=left)
    return run.changed(
        # A lease taken over keeps the name and queue under which a job may exist already. Without
        # one surely none does, and the stack may have another queue by now.
        job=job if run.lease_until is None else run.job or job,
        lease_until=now + timedelta(seconds=lease.seconds),
        lease_by=lease.by,
        updated_at=now,
    )


def never_begun(run: Run, attempt: int, now: datetime) -> Run:
    """The record of a run with a machine of its own, which a command makes and begins, not we.

    Its request comes from the reconciler alone, once the command has not moved it for long.
    """
    if run.attempt != attempt or run.state != "requested":
        return run
    if run.stop_asked is not None:
        return finish(run, "stopped", stopped_by(run.stop_asked), now)
    return finish(run, "failed", _NOT_BEGUN, now)


def released(run: Run, held: Run, now: datetime, *, taken_over: bool) -> Run:
    """The record without the lease of `held`, when surely no job came of it.

    Whether one came of a lease before it is as unclear as it was: a lease that was taken over is
    left behind as one that has run out, so that the next submitter looks as well.
    """
    if run.lease_until != held.lease_until:
        return run
    return run.changed(lease_until=now if taken_over else None, updated_at=now)


def readdressed(run: Run, held: Run, job: Job, now: datetime) -> Run:
    """The record with the job that is to be submitted now, under the lease of `held`.

    One has looked where the job of a lease that was taken over went, and found none: it need not go
    to the same queue again, which the stack may not have any more.
    """
    if run.state != "requested" or run.lease_until != held.lease_until:
        return run
    return run.changed(job=job, updated_at=now)


def submitted(run: Run, held: Run, job_id: str, now: datetime) -> Run:
    """The record with the job of the attempt in `held`; never a lower state than it has.

    The monitor may have heard of the job before. The record follows the first job that it knows.
    """
    if run.attempt != held.attempt or run.final or run.job is None or run.job.id is not None:
        return run
    known = run.job.model_copy(update={"id": job_id})
    if run.state != "requested":
        return run.changed(job=known, updated_at=now)
    return run.changed(
        job=known, state="submitted", submitted_at=now, lease_until=None, updated_at=now
    )
