"""The services in one process, with queues between them: DynamoDB is moto's, the rest is fake.

Messages pass as text through the real consumers. Time stands still until a test moves it; a message
that was given back comes again when its delay is over.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
from moto import mock_aws

from services.monitor import app as monitor
from services.monitor.messages import Dependencies as MonitorNeeds
from services.notifier import app as notifier
from services.notifier.statuses import Links
from services.parser import app as parser
from services.parser.keywords import Limits
from services.reconciler import app as reconciler
from services.reconciler.findings import Tick
from services.submitter import app as submitter
from services.submitter.definitions import JobDefinitions
from services.submitter.jobs import SubmitterJobs
from services.submitter.submission import Dependencies as SubmitterNeeds
from shared import control
from shared.batch_jobs import BatchJobs
from shared.consumer import Consumer
from shared.events import (
    CommitPushed,
    Event,
    JobDescribed,
    RunId,
    RunRequested,
    RunStateChanged,
    enclose,
)
from shared.run_store import RunStore
from shared.runs import OPEN_STATES, Run, commit_run_id
from tests.fakes import Batch, BitbucketStatuses, Clock, Crash
from tests.samples import GPU_JOB_QUEUE, JOB_QUEUE, NAMES, REGION, REPOSITORY, a_push, template

LEASE_SECONDS = 330
VISIBILITY_SECONDS = 180
UNMOVED = timedelta(minutes=5)
TABLE = "runs"


@contextmanager
def dynamodb_client() -> Iterator[Any]:
    """A client of moto's DynamoDB."""
    with mock_aws():
        session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
        )
        yield session.client("dynamodb")


@contextmanager
def runs_table(dynamodb: Any) -> Iterator[None]:
    """The table `TABLE`, empty, as template.yaml declares it."""
    declared = template()["Resources"]["RunsTable"]["Properties"]
    names = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb.create_table(TableName=TABLE, **{name: declared[name] for name in names})
    yield
    dynamodb.delete_table(TableName=TABLE)


@dataclass
class Message:
    """A message on a queue, and when it comes (again)."""

    queue: str
    body: str
    due: datetime
    deliveries: int = 0


class Chain:
    """Parser, submitter, monitor, reconciler and notifier, one message at a time."""

    def __init__(self, dynamodb: Any) -> None:
        self.clock = Clock()
        self.batch = Batch(self.clock, [NAMES.job_definition(REPOSITORY.slug)])
        self.bitbucket = BitbucketStatuses()
        self.runs = RunStore(dynamodb, TABLE)
        self.messages: list[Message] = []
        self.events: list[Event] = []
        self.dead: list[Message] = []
        self.publishing_crashes = 0
        self._delivered: Message | None = None
        jobs = BatchJobs(self.batch)
        limits = Limits(gpus=8, memory_mib=65536, vcpus=16)
        parsing = parser.Dependencies(self.runs, "ACME", limits, self.clock)
        self.submitting = SubmitterNeeds(
            runs=self.runs,
            batch=SubmitterJobs(self.batch),
            jobs=jobs,
            definitions=JobDefinitions(self.batch, self.clock.seconds),
            names=NAMES,
            job_queue=JOB_QUEUE,
            gpu_job_queue=GPU_JOB_QUEUE,
            keyword_prefix="ACME",
            lease_seconds=LEASE_SECONDS,
            share_identifier=None,
            clock=self.clock,
        )
        watching = MonitorNeeds(self.runs, jobs, self.clock)
        notifying = notifier.Dependencies(self.runs, self.bitbucket, Links(REGION))
        self._jobs = jobs
        self._reconciling = reconciler.Dependencies(self.runs, jobs, UNMOVED)
        self._consumers = {
            "pushes": self._consumer(
                lambda m: parser.handle(CommitPushed.model_validate(m.detail), parsing)
            ),
            "runs": self._consumer(
                lambda m: submitter.handle(RunRequested.model_validate(m.detail), self.submitting)
            ),
            "batch-events": self._consumer(lambda m: monitor.handle(m, watching)),
            "statuses": self._consumer(
                lambda m: notifier.handle(RunStateChanged.model_validate(m.detail), notifying)
            ),
        }

    # What comes from outside.

    def push(self, message: str = ":ACME_RUN: train", **changes: Any) -> RunId:
        """A branch's head moves; the id of the run that this may cause."""
        pushed = a_push(message, **changes)
        self.send("pushes", enclose(pushed))
        return commit_run_id(pushed.repository.uuid, pushed.branch, pushed.commit)

    def started(self, message: str = ":ACME_RUN: train") -> RunId:
        """The id of a run whose job runs."""
        run_id = self.push(message)
        self.settle()
        self.hear(self.batch.move("job-1", "RUNNING"))
        return run_id

    def hear(self, event: dict[str, Any]) -> None:
        """Batch says something, and everything that follows happens."""
        self.send("batch-events", json.dumps(event))
        self.settle()

    def stop(self, run_id: RunId) -> Run:
        """Somebody asks that the run be stopped."""
        return control.stop(
            run_id,
            by="Someone",
            why="too slow",
            now=self.clock(),
            runs=self.runs,
            jobs=self._jobs,
            publisher=self,
        )

    def rerun(self, run_id: RunId) -> Run:
        """Somebody asks for another attempt."""
        return control.rerun(run_id, now=self.clock(), runs=self.runs, publisher=self)

    def reconcile(self) -> list[Event]:
        """The reconciler's schedule fires; what it found."""
        found: list[Event] = []
        for state in OPEN_STATES:
            found += reconciler.handle(Tick(state, self.clock()), self._reconciling)
        self.publish(found)
        self.settle()
        return found

    # Queues and bus.

    def send(self, queue: str, body: str) -> None:
        """Put a message on a queue."""
        self.messages.append(Message(queue, body, self.clock()))

    def publish(self, events: Iterable[Event]) -> None:
        """Where the services' events go: each to its queue; states go to the bus's one listener."""
        if self.publishing_crashes:
            self.publishing_crashes -= 1
            raise Crash
        queues = {RunRequested: "runs", JobDescribed: "batch-events", RunStateChanged: "statuses"}
        for event in events:
            self.events.append(event)
            self.send(queues[type(event)], enclose(event))

    def delay(self, receipt_handle: str, seconds: int) -> None:
        """Keep the delivered message away for so long."""
        message = self._delivered
        assert message is not None
        message.due = self.clock() + timedelta(seconds=seconds)

    def settle(self, seconds: float = 0) -> None:
        """Let `seconds` pass, and deliver what is due meanwhile, in its order."""
        end = self.clock() + timedelta(seconds=seconds)
        while due := [m for m in self.messages if m.due <= max(end, self.clock())]:
            message = min(due, key=lambda m: m.due)
            self.clock.now = max(self.clock.now, message.due)
            self.deliver(message)
        self.clock.now = max(self.clock.now, end)

    def deliver(self, message: Message) -> None:
        """One delivery: the message is gone if it is acknowledged, and comes again if not."""
        message.deliveries += 1
        message.due = self.clock() + timedelta(seconds=VISIBILITY_SECONDS)
        self._delivered = message
        record = {
            "messageId": "m",
            "receiptHandle": "r",
            "body": message.body,
            "attributes": {"ApproximateReceiveCount": str(message.deliveries)},
        }
        try:
            response = self._consumers[message.queue]({"Records": [record]})
        except Crash:
            return
        if not response["batchItemFailures"]:
            self.messages.remove(message)
        elif message.deliveries >= 25:
            self.messages.remove(message)
            self.dead.append(message)

    def run(self, run_id: RunId) -> Run:
        """The record."""
        run = self.runs.get(run_id)
        assert run is not None
        return run

    @property
    def status(self) -> dict[str, str]:
        """The one build status there is."""
        (status,) = self.bitbucket.statuses.values()
        return status

    def live_jobs(self) -> list[str]:
        """The jobs that have not ended."""
        ended = ("SUCCEEDED", "FAILED")
        return [job["jobId"] for job in self.batch.jobs.values() if job["status"] not in ended]

    def _consumer(self, handle: Callable[..., Iterable[Event]]) -> Consumer:
        return Consumer(handle, self, self)
