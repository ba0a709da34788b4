"""How an attempt gets its one job: claim, look, submit, note; or the reason why it gets none."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.submitter.definitions import JobDefinitions
from services.submitter.jobs import NotSubmitted, Refused, SubmitterJobs
from services.submitter.lease import (
    Lease,
    claim,
    never_begun,
    readdressed,
    released,
    submitted,
)
from services.submitter.overrides import submission
from services.submitter.permitted import Permitted
from services.submitter.points import PointLists, point_list, share_of, told
from services.submitter.queues import JobQueues
from services.submitter.unseen import believe_missing
from shared.batch_jobs import BatchJobs
from shared.control import end_job
from shared.errors import Rejected, Unavailable
from shared.events import Job, RunRequested, State, Sweep
from shared.names import Names, last_part
from shared.points import Place
from shared.run_store import RunStore
from shared.runs import Run, finish, stopped_by
from shared.telemetry import log


@dataclass(frozen=True)
class Dependencies:
    """What the submitter needs besides the event."""

    runs: RunStore
    batch: SubmitterJobs
    jobs: BatchJobs
    definitions: JobDefinitions
    queues: JobQueues
    permitted: Permitted
    lists: PointLists
    names: Names
    job_queue: str
    gpu_job_queue: str
    keyword_prefix: str
    lease_seconds: int
    unseen_seconds: int
    share_identifier: str | None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def submit(requested: RunRequested, needs: Dependencies) -> Run:
    """Give the attempt its job, or its end; the record as it then is.

    Raises:
        Unavailable: another delivery is at it, or a dependency failed.
        LookupError: the record does not exist, though it is written before it is asked for.

    """
    leases: list[datetime | None] = []
    # Known again by what is in it, should the answer to its own write be lost.
    lease = Lease(by=secrets.token_hex(8), seconds=needs.lease_seconds)

    def take(run: Run) -> Run:
        if run.machine is not None:
            return never_begun(run, requested.attempt, needs.clock())
        if run.lease_by != lease.by:
            leases.append(run.lease_until)
        return claim(run, requested.attempt, _job(run, needs), needs.clock(), lease)

    held = needs.runs.change(requested.run_id, take)
    if held is None:
        message = f"submitting run {requested.run_id}: it has no record"
        raise LookupError(message)
    if held.attempt != requested.attempt or held.state != "requested" or held.job is None:
        # Done before. Whoever did it may have been cut off before it looked for a stop.
        end_job(held, needs.jobs)
        return held
    return _with_lease(held, held.job, needs, taken_over=leases[-1] is not None)


def _job(run: Run, needs: Dependencies) -> Job:
    """What the attempt's job is called and where it goes, before it is submitted."""
    # Machines without a GPU cost a fraction: docs/decisions/0009
    queue = needs.gpu_job_queue if run.asked.gpus else needs.job_queue
    definition = needs.names.job_definition(run.slug)
    sweep = run.asked.sweep
    if sweep is not None and sweep.queue is not None:
        queue = needs.permitted.queue(sweep.queue)
    if sweep is not None and sweep.definition is not None:
        definition = last_part(sweep.definition)
    name = needs.names.job(run.slug, run.commit, run.run_id, run.attempt)
    return Job(name=name, queue=queue, definition=definition)


def _with_lease(held: Run, job: Job, needs: Dependencies, *, taken_over: bool) -> Run:
    def release() -> None:
        needs.runs.change(
            held.run_id, lambda run: released(run, held, needs.clock(), taken_over=taken_over)
        )

    try:
        found = needs.batch.find(job.queue, job.name) if taken_over else None
        if found is not None:
            log.info("job adopted", job_id=found)
            return _note(held, found, needs)
        if held.stop_asked is not None:
            return _end(held, "stopped", stopped_by(held.stop_asked), needs)
        job = _addressed(held, job, needs)
        if held.asked.sweep is not None:
            _check_points(held, job, needs)
        arguments = _arguments(held, job, needs)
    except Rejected as reason:
        return _end(held, "rejected", str(reason), needs)
    except Unavailable:
        release()  # nothing was submitted under this lease: nobody need wait for its end
        raise
    try:
        job_id = needs.batch.submit(arguments)
    except NotSubmitted as refusal:
        needs.definitions.forget(job.definition)
        needs.queues.forget(job.queue)
        if isinstance(refusal, Refused) and _has_chosen(held.asked.sweep):
            # Nobody but who chose can mend that, and the same job would be refused again.
            return _end(held, "rejected", f"AWS Batch refuses the job: {refusal.said}", needs)
        release()
        raise
    except Unavailable as unclear:
        # Only after the lease can one tell whether the job exists.
        raise Unavailable(str(unclear), retry_after=needs.lease_seconds + 1) from unclear
    log.info("job submitted", job_id=job_id, job_name=job.name, attempt=held.attempt)
    return _note(held, job_id, needs)


def _addressed(held: Run, job: Job, needs: Dependencies) -> Job:
    """The job as it is to be submitted now; one that a lease taken over has noted may differ."""
    wanted = _job(held, needs)
    if wanted == job:
        return job
    run = needs.runs.change(held.run_id, lambda run: readdressed(run, held, wanted, needs.clock()))
    if run is None or run.job != wanted:
        message = "claiming the attempt: another delivery was at it"
        raise Unavailable(message, retry_after=1)
    log.info("job goes elsewhere", job_name=wanted.name)
    return wanted


def _check_points(held: Run, job: Job, needs: Dependencies) -> None:
    """See that the points have what they read, and a queue and a definition that they may have."""
    if held.repository is None or held.commit is None:
        message = (
            "a sweep needs a repository and a commit, whose files its points run with: name both"
        )
        raise Rejected(message)
    needs.permitted.check(job, needs.names.job_definition(held.slug))


def _has_chosen(sweep: Sweep | None) -> bool:
    """Whether whoever asked chose a queue or a definition that is not the stack's."""
    return sweep is not None and (sweep.queue is not None or sweep.definition is not None)


def _arguments(held: Run, job: Job, needs: Dependencies) -> dict[str, Any]:
    if not needs.definitions.exists(job.definition):
        believe_missing(
            held, f"job definition {job.definition}", needs.clock(), needs.unseen_seconds
        )
        message = f"no job definition {job.definition}: add the project, then rerun"
        raise Rejected(message)
    sweep, share = held.asked.sweep, needs.share_identifier
    if sweep is None:
        return submission(held, job, needs.names, needs.keyword_prefix, share)
    place = Place(held.slug, sweep.sweep_id)
    listed = point_list(sweep)
    points = told(sweep, needs.lists.bucket, place, listed.width)
    share = _share(held, sweep, job, needs)
    arguments = submission(held, job, needs.names, needs.keyword_prefix, share, points=points)
    if listed.content is not None:
        needs.lists.store(place, sweep.wave, listed.content)
    return arguments


def _share(held: Run, sweep: Sweep, job: Job, needs: Dependencies) -> str | None:
    """The sweep's share of the queue's machines; None where the queue knows no shares."""
    fairly = needs.share_identifier is not None
    if job.queue not in needs.permitted.own:
        queue = needs.queues.find(job.queue)
        if queue is None:
            believe_missing(held, f"job queue {job.queue}", needs.clock(), needs.unseen_seconds)
            message = f"there is no job queue {job.queue}: name another, then rerun"
            raise Rejected(message)
        if not queue.enabled:
            message = f"the job queue {job.queue} is disabled: enable it or name another, and rerun"
            raise Rejected(message)
        fairly = queue.fair
    return share_of(sweep) if fairly else None


def _note(held: Run, job_id: str, needs: Dependencies) -> Run:
    """Write the job's id down, and end the job if it is not wanted after all."""
    run = needs.runs.change(held.run_id, lambda run: submitted(run, held, job_id, needs.clock()))
    run = run or held
    if run.attempt != held.attempt or run.job is None or run.job.id != job_id:
        log.warning("second job terminated", job_id=job_id)
        needs.jobs.terminate(job_id, "a second job of one attempt: the run follows the first")
    else:
        end_job(run, needs.jobs)
    return run


def _end(held: Run, state: State, reason: str, needs: Dependencies) -> Run:
    # Not why: whoever stopped it is named there, and what was asked for quoted.
    log.info("run ended without a job", state=state)

    def end(run: Run) -> Run:
        current = run.attempt == held.attempt and run.state == "requested"
        return finish(run, state, reason, needs.clock()) if current else run

    return needs.runs.change(held.run_id, end) or held
