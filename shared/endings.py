"""How an ended job ended, and why, in words for the person who asked for it."""

import re

from shared import exits
from shared.batch_jobs import JobDetail
from shared.events import State, Sweep
from shared.progress import Count, counted, too_many
from shared.runs import Run, stopped_by

LONGEST_REASON = 1000
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


def ending(run: Run, job: JobDetail) -> tuple[State, str | None]:
    """How an ended job ended, and why, in words for the person who pushed."""
    if job.status == "SUCCEEDED" or job.last.exit_code == 0:
        return "succeeded", None
    if run.stop_asked is not None:
        return "stopped", stopped_by(run.stop_asked)
    state, reason = _ending_of_a_job(run, job)
    if state == "failed" and run.asked.sweep is not None:
        return _ending_of_points(run.asked.sweep, counted(run.asked.sweep, job), reason)
    return state, reason


def _ending_of_points(sweep: Sweep, count: Count, reason: str) -> tuple[State, str | None]:
    too_much = too_many(sweep, count.failed)
    if too_much is None:
        return "succeeded", None
    # Of an only point the reason says more than the number does.
    return "failed", reason if sweep.size == 1 else too_much


def _ending_of_a_job(run: Run, job: JobDetail) -> tuple[State, str]:
    said = (job.status_reason or "")[:LONGEST_REASON]
    time_limit = _TIME_LIMIT.match(said)
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
        return _not_pulled(run, why[:LONGEST_REASON])
    if container.exit_code == _KILLED:
        return f"exit code 137: killed, which often means out of memory{tries}"
    if container.exit_code is not None:
        return _exit_code(container.exit_code, job.try_number)
    texts = [text for text in (said, why[:LONGEST_REASON]) if text and text != _ENDED_BY_ITSELF]
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


def why_again(job: JobDetail) -> str | None:
    """Why a job is on its second try or later."""
    if not job.attempts:
        return None
    said = job.attempts[-1].status_reason or ""
    if said.startswith(_HOST_LOST):
        return "the machine of the try before was taken away (spot)"
    return f"the try before ended: {job.attempts[-1].container.reason or said}"[:LONGEST_REASON]
