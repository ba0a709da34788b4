"""What a message about a job, or a machine, does to the record of the run that it belongs to."""

from services.monitor.dependencies import Dependencies
from services.monitor.machines import end_overdue, hear_description, hear_report
from services.monitor.senders import may_say
from shared.batch_jobs import JobDetail, is_job_of, is_stray
from shared.control import end_job
from shared.events import (
    Envelope,
    JobDescribed,
    MachineDescribed,
    MachineOverdue,
    MachineReported,
    RunId,
)
from shared.following import follow, gone, point_waits
from shared.runs import Run
from shared.telemetry import bind_run, log

# Batch says more than that (of its service jobs, say), and may say more tomorrow.
_BLOCKED = "Batch Job Queue Blocked"
_OF_A_JOB = frozenset({"Batch Job State Change", _BLOCKED})


def hear(message: Envelope, needs: Dependencies) -> Run | None:
    """The run that a message is about, as it stands after it; None where it is about none."""
    if not may_say(message):
        log.warning("message refused", kind=message.detail_type, sender=message.sender)
        return None
    kind = message.detail_type
    if kind == MachineReported.detail_type():
        return hear_report(message, needs)
    if kind == MachineDescribed.detail_type():
        return hear_description(message, needs)
    if kind == MachineOverdue.detail_type():
        end_overdue(message, needs)
        return None
    return _hear_of_a_job(message, needs)


def _hear_of_a_job(message: Envelope, needs: Dependencies) -> Run | None:
    if message.detail_type == JobDescribed.detail_type():
        described = JobDescribed.model_validate(message.detail)
        if described.job is None:
            return _forgotten(described, needs)
        return _heard(JobDetail.model_validate(described.job), needs)
    if message.detail_type in _OF_A_JOB and _names_a_run(message.detail):
        job = JobDetail.model_validate(message.detail)
        run_id = job.childs_run_id
        if run_id is None:
            return _heard(job, needs)
        # What else Batch says of a child, its parent tells of all of them.
        return _waits(run_id, job, needs) if message.detail_type == _BLOCKED else None
    return None


def _names_a_run(detail: dict[str, object]) -> bool:
    """Whether a job may be ours at all: other people's jobs are not even read."""
    parameters = detail.get("parameters")
    return isinstance(parameters, dict) and bool(parameters.get("runId"))


def _heard(job: JobDetail, needs: Dependencies) -> Run | None:
    run_id = job.run_id
    if run_id is None:
        return None
    bind_run(run_id)
    run = needs.runs.change(run_id, lambda run: follow(run, job, needs.clock()))
    if run is None:
        log.info("job of an unknown run", job_id=job.job_id)
        return None
    if is_stray(job, run):
        log.warning("second job terminated", job_id=job.job_id)
        needs.jobs.terminate(job.job_id, "a second job of one attempt: the run follows the first")
        return None
    if not is_job_of(job, run):
        return None
    log.info("job heard of", job_id=job.job_id, status=job.status, state=run.state)
    end_job(run, needs.jobs)
    return run


def _waits(run_id: RunId, child: JobDetail, needs: Dependencies) -> Run | None:
    bind_run(run_id)
    run = needs.runs.change(run_id, lambda run: point_waits(run, child, needs.clock()))
    if run is None or not is_job_of(child, run):
        return None
    log.info("point waits", job_id=child.job_id, reason=child.status_reason)
    return run


def _forgotten(described: JobDescribed, needs: Dependencies) -> Run | None:
    bind_run(described.run_id)

    def end(run: Run) -> Run:
        same = run.attempt == described.attempt and run.job and run.job.id == described.job_id
        return gone(run, needs.clock()) if same else run

    return needs.runs.change(described.run_id, end)
