"""An account of moto's in which sweeps can be looked at: tables, bucket, records, results."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
import pytest
from click.testing import Result as Answer

from cli.sources import Source
from cli.sweep.commands import sweep as group
from cli.sweep.sending import request_id
from shared.events import Asked, Job, Person, Progress, Sweep
from shared.points import Place, Result, encode
from shared.run_store import RunStore
from shared.runs import Run, new_run, request_run_id
from shared.space import Point
from tests.integration.command_line import NAMES, ROOT, Here, account
from tests.integration.service_chain import TABLE, runs_table
from tests.samples import COMMIT, NOW, REGION, REPOSITORY

BUCKET = "data"
BEST = "best-results"
QUEUE = f"arn:aws:batch:{REGION}:123456789012:job-queue/cpu"
GPU_QUEUE = f"arn:aws:batch:{REGION}:123456789012:job-queue/gpu"
DEFINITION = "acme-development-ml-churn-model"
PARAMETERS = {
    "SweepJobQueueArns": "",
    "SweepJobDefinitionArns": "",
    "MaxGpus": "8",
    "MaxMemoryMiB": "65536",
    "MaxVcpus": "16",
    "MaxSweepPoints": "1000",
    "ToleratedFailurePercent": "0",
}
OURS = ["python3", "/opt/cloud-runner/job.pyz", "--run-id", "Ref::runId"]


@dataclass
class BatchResources:
    """Batch's queues and definitions, as a test has them; moto's need networks and roles."""

    queues: list[dict[str, Any]] = field(default_factory=list)
    definitions: list[dict[str, Any]] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)

    def describe_job_queues(self, *, jobQueues: list[str]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """Queues by name or ARN."""
        found = [
            one for one in self.queues if {one["jobQueueName"], one["jobQueueArn"]} & {*jobQueues}
        ]
        return {"jobQueues": found}

    def describe_job_definitions(self, **asked: Any) -> dict[str, Any]:
        """Definitions by name and status, or by name and revision."""
        found = [
            one
            for one in self.definitions
            if asked.get("jobDefinitionName") == one["jobDefinitionName"]
            or f"{one['jobDefinitionName']}:{one['revision']}" in asked.get("jobDefinitions", [])
        ]
        wanted = asked.get("status")
        return {"jobDefinitions": [one for one in found if wanted in (None, one["status"])]}

    def terminate_job(self, *, jobId: str, reason: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """End a job."""
        del reason
        self.terminated.append(jobId)
        return {}


def a_queue(arn: str, **changes: Any) -> dict[str, Any]:
    """A job queue that takes jobs."""
    name = arn.rpartition("/")[2]
    queue = {"jobQueueArn": arn, "jobQueueName": name, "state": "ENABLED", "status": "VALID"}
    return queue | changes


def a_definition(name: str = DEFINITION, **changes: Any) -> dict[str, Any]:
    """A job definition whose command is that of a project's."""
    definition = {
        "jobDefinitionName": name,
        "revision": 1,
        "status": "ACTIVE",
        "containerProperties": {"command": OURS},
    }
    return definition | changes


@dataclass
class SweepAccount:
    """The account, and what a test puts into it."""

    here: Here
    batch: BatchResources

    @property
    def records(self) -> RunStore:
        """The table of run records."""
        return RunStore(self.here.client("dynamodb"), TABLE)

    def run(self, *words: str, answers: str = "") -> Answer:
        """Type a command of the group `sweep`."""
        command: click.Command = group
        return self.here.run(command, *words, answers=answers)

    def sweep(
        self,
        sweep_id: str,
        points: list[Point],
        *,
        wave: int = 1,
        state: str = "running",
        target: str | None = None,
        of_commit: bool = False,
        **sweep: Any,
    ) -> Run:
        """A wave of a sweep, its list and its record."""
        listed, width = encode(points)
        place = Place(REPOSITORY.slug, sweep_id)
        s3 = self.here.client("s3")
        s3.put_object(Bucket=BUCKET, Key=place.points(wave), Body=listed)
        asked = Asked(
            experiment=True,
            quiet=not of_commit,
            sweep=Sweep(
                sweep_id=sweep_id,
                wave=wave,
                size=len(points),
                width=width,
                objective="f1",
                target=target,
                **sweep,
            ),
        )
        run_id = sweep_id if of_commit else request_run_id(NAMES.stack, request_id(sweep_id, wave))
        run = new_run(
            run_id,  # type: ignore[arg-type]  # a commit's sweep has the id of its run
            asked,
            NOW,
            repository=REPOSITORY,
            branch="main",
            commit=COMMIT,
            pushed_by=Person(id="arn:aws:iam::123456789012:user/someone", name="someone"),
        ).changed(
            state=state,
            job=Job(name="sweep", queue=QUEUE, definition=DEFINITION, id=f"job-{wave}"),
            progress=Progress(size=len(points), succeeded=1, best="0.75", looked_at=NOW),
        )
        assert self.records.create(run)
        return run

    def result(self, sweep_id: str, index: int, objective: float | None, wave: int = 1) -> None:
        """The result of a point; without a value it has failed."""
        at_ms = round(NOW.timestamp() * 1000) + index
        result = Result(at_ms, wave, 1, index, objective is not None, 12, objective)
        key = Place(REPOSITORY.slug, sweep_id).results + result.name
        self.here.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")


@contextmanager
def sweep_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[SweepAccount]:
    """A deployed stack with a project, a queue for CPUs and one for GPUs, and no sweep."""
    with account(monkeypatch) as here:
        outputs = {
            "RunsTableName": TABLE,
            "DataBucket": BUCKET,
            "JobQueueArn": QUEUE,
            "GpuJobQueueArn": GPU_QUEUE,
            "BestResultsTableName": BEST,
            "EventBusName": "default",
            "RunsQueueUrl": here.client("sqs").create_queue(QueueName="runs")["QueueUrl"],
        }
        here.stacks.deploy(ROOT, outputs, PARAMETERS)
        here.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        batch = BatchResources([a_queue(QUEUE), a_queue(GPU_QUEUE)], [a_definition()])
        here.clients["batch"] = batch
        monkeypatch.setattr(
            "cli.sweep.preparing.find_source",
            lambda *_: Source(REPOSITORY, "main", COMMIT),
        )
        with runs_table(here.client("dynamodb")):
            yield SweepAccount(here, batch)
