"""Values that tests begin with: a repository, a run, its job as Batch describes it, payloads."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.batch_jobs import JobDetail
from shared.events import Asked, CommitPushed, Job, Person, Repository, RunId
from shared.names import Names
from shared.runs import Run

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
REGION = "eu-west-1"
JOB_QUEUE = f"arn:aws:batch:{REGION}:123456789012:job-queue/cpu"
GPU_JOB_QUEUE = f"arn:aws:batch:{REGION}:123456789012:job-queue/gpu"
NAMES = Names("acme", "testing")
REPOSITORY = Repository(uuid="{5a3c}", full_name="team/churn-model")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RUN_ID = RunId("7" * 24)
PAYLOADS = Path(__file__).parent / "payloads"


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


def payload(path: str) -> Any:
    """The JSON in a file of `tests/payloads`."""
    return json.loads((PAYLOADS / path).read_bytes())


def payload_files(folder: str) -> list[str]:
    """The JSON files of a folder of `tests/payloads`, as `payload` takes them."""
    return sorted(str(file.relative_to(PAYLOADS)) for file in (PAYLOADS / folder).glob("*.json"))


@cache
def template() -> dict[str, Any]:
    """What `template.yaml` declares; short functions such as `!Ref` are None."""

    class Loader(yaml.SafeLoader):
        """Reads a template."""

    Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
    declared: dict[str, Any] = yaml.load(
        (Path(__file__).parents[1] / "template.yaml").read_text(), Loader
    )
    return declared


def a_job(attempt: int = 1, job_id: str | None = None) -> Job:
    """The job that the submitter notes for an attempt of `a_run`."""
    return Job(
        name=NAMES.job(REPOSITORY.slug, COMMIT, RUN_ID, attempt),
        queue=JOB_QUEUE,
        definition=NAMES.job_definition(REPOSITORY.slug),
        id=job_id,
    )


def a_run(**changes: Any) -> Run:
    """A run that was asked for at `NOW`."""
    run = Run(
        run_id=RUN_ID,
        state="requested",
        repository=REPOSITORY,
        branch="main",
        commit=COMMIT,
        pushed_by=Person(id="{person}", name="Someone"),
        asked=Asked(arguments="train"),
        created_at=NOW,
        requested_at=NOW,
        updated_at=NOW,
    )
    return run.changed(**changes)


def a_push(message: str = ":ACME_RUN: train", **changes: Any) -> CommitPushed:
    """The event of a pushed commit with this message."""
    pushed = CommitPushed(
        repository=REPOSITORY,
        branch="main",
        commit=COMMIT,
        message=message,
        pushed_by=Person(id="{person}", name="Someone"),
        pushed_at=NOW,
    )
    return pushed.model_copy(update=changes)


def described(status: str, *, attempt: int = 1, job_id: str = "job-1", **fields: Any) -> JobDetail:
    """What Batch says of the job of an attempt of `a_run`; `fields` in Batch's own names."""
    return JobDetail.model_validate(
        {
            "jobId": job_id,
            "jobName": a_job(attempt).name,
            "jobQueue": JOB_QUEUE,
            "status": status,
            "parameters": {"runId": RUN_ID, "attempt": str(attempt)},
            **fields,
        }
    )


def ended_try(**container: Any) -> dict[str, Any]:
    """One try of a job, ended, in Batch's field names."""
    reason = container.pop("statusReason", "Essential container in task exited")
    return {"container": container, "statusReason": reason}
