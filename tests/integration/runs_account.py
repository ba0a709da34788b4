"""An account of moto's with the stack's runs in it, and commands typed there."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner

from cli.runs.commands import runs as group
from cli.runs.following import Pace
from shared.events import Envelope, Job, RunId
from shared.run_store import RunStore
from shared.runs import Run, request_run_id
from tests.fakes import Batch, Clock
from tests.integration.command_line import NAMES, ROOT, Here, account
from tests.integration.service_chain import TABLE, runs_table
from tests.samples import NOW, REGION, a_job, a_run, minutes

BUCKET, LOG_GROUP = "acme-data", "/aws/batch/acme-development"
_MOST_PAUSES = 1000
STREAM = "acme-development-ml-churn-model/default/0a1b"
LIMITS = {
    "MaxGpus": "8",
    "MaxMemoryMiB": "65536",
    "MaxVcpus": "16",
    "MaxSweepPoints": "1000",
    "ToleratedFailurePercent": "0",
}


@dataclass(frozen=True)
class Typed:
    """What a command said: what a pipe gets, and what only a person does."""

    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All of it."""
        return self.stdout + self.stderr


@dataclass
class RunsAccount:
    """The account, its records, and Batch."""

    here: Here
    store: RunStore
    batch: Batch = field(default_factory=lambda: Batch(Clock(), []))
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    _pauses: int = 0

    def pause(self, _seconds: float) -> None:
        """What a command does between two looks: the next thing happens `meanwhile`."""
        self._pauses += 1
        assert self._pauses < _MOST_PAUSES, "it goes on for ever"
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def type(self, *words: str, answers: str = "", code: int = 0) -> Typed:
        """Type a command of the group `runs`."""
        result = CliRunner(mix_stderr=False).invoke(group, words, input=answers)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        typed = Typed(result.stdout, result.stderr)
        assert result.exit_code == code, typed.output
        return typed

    def keep(self, name: str, **changes: Any) -> Run:
        """Write a record: that of `a_run`, under an id made of `name`."""
        run = a_run(run_id=request_run_id(NAMES.stack, name), **changes)
        assert self.store.create(run)
        return run

    def running(self, name: str, job_id: str = "job-1", **changes: Any) -> Run:
        """The same, of a run whose job runs and has a log."""
        self.batch.jobs[job_id] = {"jobId": job_id, "status": "RUNNING"}
        job = a_job(job_id=job_id).model_copy(update={"log_stream": STREAM})
        return self.keep(name, **_started(job) | changes)

    def move(self, run_id: RunId, **changes: Any) -> Run:
        """Change a record, as a service would."""
        run = self.store.change(run_id, lambda run: run.changed(**changes))
        assert run is not None
        return run

    def sent(self, name: str) -> list[Envelope]:
        """What is on a queue, each message taken out of it."""
        sqs = self.here.client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(Envelope.read(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def say(self, *lines: str, stream: str = STREAM) -> None:
        """Write lines to a stream of the log group."""
        logs = self.here.client("logs")
        found = logs.describe_log_streams(logGroupName=LOG_GROUP)["logStreams"]
        if stream not in [one["logStreamName"] for one in found]:
            logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        at = round(time.time() * 1000)  # CloudWatch takes none that is older than 14 days
        logs.put_log_events(
            logGroupName=LOG_GROUP,
            logStreamName=stream,
            logEvents=[{"timestamp": at, "message": line} for line in lines],
        )

    def leave(self, key: str, text: str) -> None:
        """Store an object in the data bucket."""
        self.here.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())


def _started(job: Job) -> dict[str, Any]:
    return {
        "state": "running",
        "job": job,
        "submitted_at": NOW + minutes(1),
        "started_at": NOW + minutes(2),
        "updated_at": NOW + minutes(2),
    }


@contextmanager
def runs_account(outputs: dict[str, str] | None = None) -> Iterator[RunsAccount]:
    """An account with a stack; to make its clients takes longer than a test."""
    with pytest.MonkeyPatch.context() as patch, account(patch) as here:
        session = _Kept(here.session)
        here.session = session
        urls = {
            name: here.client("sqs").create_queue(QueueName=name)["QueueUrl"]
            for name in ("runs", "heard")
        }
        _hear_the_bus(here)
        here.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        known = {
            "RunsTableName": TABLE,
            "RunsQueueUrl": urls["runs"],
            "EventBusName": "runs",
            "DataBucket": BUCKET,
            "JobLogGroup": LOG_GROUP,
            "KeywordPrefix": "ACME",
        }
        here.stacks.deploy(ROOT, known | (outputs or {}), LIMITS)
        stack = RunsAccount(here, RunStore(here.client("dynamodb"), TABLE))
        patch.setattr("cli.runs.stack.RunsStack.pace", Pace(1, 3, stack.pause))
        yield stack


@contextmanager
def empty(stack: RunsAccount) -> Iterator[RunsAccount]:
    """The same account without runs, messages and logs."""
    stack.batch = stack.here.clients["batch"] = Batch(Clock(), [])
    logs = stack.here.client("logs")
    logs.create_log_group(logGroupName=LOG_GROUP)
    with runs_table(stack.here.client("dynamodb")):
        yield stack
    logs.delete_log_group(logGroupName=LOG_GROUP)
    for name in ("runs", "heard"):
        stack.sent(name)


class _Kept:
    """A session that makes each client once."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._clients: dict[str, Any] = {}

    def client(self, service: str, **settings: Any) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service, region_name=REGION)
        return self._clients[service]


def _hear_the_bus(here: Here) -> None:
    """Let all that is put on the bus come to the queue `heard`."""
    events = here.client("events")
    events.create_event_bus(Name="runs")
    pattern = json.dumps({"source": ["cloud-runner"]})
    events.put_rule(Name="all", EventBusName="runs", EventPattern=pattern)
    arn = f"arn:aws:sqs:{REGION}:123456789012:heard"
    events.put_targets(Rule="all", EventBusName="runs", Targets=[{"Id": "1", "Arn": arn}])
