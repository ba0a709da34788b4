"""The services in one process, with queues between them: DynamoDB and S3 are moto's, the rest fake.

Messages pass as text through the real consumers. Time stands still until a test moves it; a message
that was given back comes again when its delay is over, and one for the sweeper 30 s later. The
children of array jobs are played by tests: `Chain.leave` stores the result of a point.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import boto3
from moto import mock_aws

from services.monitor import app as monitor
from services.monitor.dependencies import Dependencies as MonitorNeeds
from services.notifier import app as notifier
from services.notifier.statuses import Links
from services.parser import app as parser
from services.parser.keywords import Limits
from services.reconciler import app as reconciler
from services.reconciler.findings import TICKS, Tick
from services.submitter import app as submitter
from services.submitter.definitions import JobDefinitions
from services.submitter.jobs import SubmitterJobs
from services.submitter.permitted import Permitted
from services.submitter.points import PointLists
from services.submitter.queues import JobQueues
from services.submitter.submission import Dependencies as SubmitterNeeds
from services.sweeper import app as sweeper
from services.sweeper.dependencies import Dependencies as SweeperNeeds
from shared import control
from shared.batch_jobs import BatchJobs
from shared.best import BestResults
from shared.consumer import Consumer
from shared.events import (
    CommitPushed,
    Event,
    JobDescribed,
    MachineDescribed,
    MachineOverdue,
    RunId,
    RunRequested,
    RunStateChanged,
    SweepDue,
    enclose,
)
from shared.machines import Machines
from shared.names import Names
from shared.points import Place, Result
from shared.run_store import RunStore
from shared.runs import Run, commit_run_id
from shared.sweep_results import SweepResults
from tests.fake_machines import Ec2
from tests.fakes import Batch, BitbucketStatuses, Clock, Crash
from tests.samples import GPU_JOB_QUEUE, JOB_QUEUE, NAMES, REGION, REPOSITORY, a_push, template

LEASE_SECONDS = 330
UNSEEN_SECONDS = 600
VISIBILITY_SECONDS = 180
UNMOVED = timedelta(minutes=5)
SWEEP_SECONDS = 30
TABLE = "runs"
BEST = "best"
BUCKET = "acme-data"
OTHER_QUEUE = f"arn:aws:batch:{REGION}:123456789012:job-queue/theirs"
TUNER = f"arn:aws:batch:{REGION}:123456789012:job-definition/tuner"


@contextmanager
def dynamodb_client() -> Iterator[Any]:
    """A client of moto's DynamoDB; other clients made meanwhile are moto's as well."""
    with mock_aws():
        yield moto_client("dynamodb")


def moto_client(service: str) -> Any:
    """A client of moto's."""
    session: Any = boto3.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
    )
    return session.client(service)


@contextmanager
def runs_table(dynamodb: Any, name: str = TABLE) -> Iterator[None]:
    """A table of runs, empty, as template.yaml declares it."""
    with _table(dynamodb, "RunsTable", name):
        yield


@contextmanager
def best_results_table(dynamodb: Any) -> Iterator[None]:
    """The table `BEST`, empty, as template.yaml declares it."""
    with _table(dynamodb, "BestResultsTable", BEST):
        yield


@contextmanager
def _table(dynamodb: Any, resource: str, name: str) -> Iterator[None]:
    declared = template()["Resources"][resource]["Properties"]
    parts = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb.create_table(
        TableName=name, **{part: declared[part] for part in parts if part in declared}
    )
    yield
    dynamodb.delete_table(TableName=name)


@contextmanager
def data_bucket(s3: Any) -> Iterator[None]:
    """The bucket `BUCKET`, empty."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield
    for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=one["Key"])
    s3.delete_bucket(Bucket=BUCKET)


@dataclass
class Message:
    """A message on a queue, and when it comes (again)."""

    queue: str
    body: str
    due: datetime
    deliveries: int = 0
    sender: str | None = None


class Chain:
    """Parser, submitter, monitor, reconciler, sweeper and notifier, one message at a time.

    They are of the stack `names`, whose runs are in `table`.
    """

    def __init__(self, dynamodb: Any, s3: Any, names: Names = NAMES, table: str = TABLE) -> None:
        self.names = names
        self.clock = Clock()
        self.batch = Batch(self.clock, [names.job_definition(REPOSITORY.slug)])
        self.bitbucket = BitbucketStatuses()
        self.runs = RunStore(dynamodb, table)
        self.messages: list[Message] = []
        self.events: list[Event] = []
        self.dead: list[Message] = []
        self.publishing_crashes = 0
        self._delivered: Message | None = None
        jobs = BatchJobs(self.batch)
        limits = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)
        parsing = parser.Dependencies(self.runs, names.stack, "ACME", limits, self.clock)
        self.submitting = SubmitterNeeds(
            runs=self.runs,
            batch=SubmitterJobs(self.batch),
            jobs=jobs,
            definitions=JobDefinitions(self.batch, self.clock.seconds),
            queues=JobQueues(self.batch, self.clock.seconds),
            permitted=Permitted(
                own=(JOB_QUEUE, GPU_JOB_QUEUE),
                others=(OTHER_QUEUE,),
                definitions=(TUNER,),
                projects=names.job_definition(""),
            ),
            lists=PointLists(s3, BUCKET),
            names=names,
            job_queue=JOB_QUEUE,
            gpu_job_queue=GPU_JOB_QUEUE,
            keyword_prefix="ACME",
            lease_seconds=LEASE_SECONDS,
            unseen_seconds=UNSEEN_SECONDS,
            share_identifier=None,
            clock=self.clock,
        )
        self.ec2 = Ec2()
        self.machines = Machines(self.ec2)
        watching = MonitorNeeds(self.runs, jobs, self.machines, self.clock)
        self.s3 = s3
        self.best = BestResults(dynamodb, BEST, pause=self.clock.advance)
        self.sweeping = SweeperNeeds(
            runs=self.runs,
            jobs=jobs,
            results=lambda place: SweepResults(s3, BUCKET, place),
            best=self.best,
            bitbucket=self.bitbucket,
            clock=self.clock,
        )
        notifying = notifier.Dependencies(
            self.runs, self.bitbucket, Links(REGION), names.stack, self.clock
        )
        self._jobs = jobs
        self._reconciling = reconciler.Dependencies(
            self.runs, jobs, self.machines, names.stack, UNMOVED
        )
        self._consumers = {
            "pushes": self._consumer(
                lambda m: parser.handle(CommitPushed.model_validate(m.detail), parsing)
            ),
            "runs": self._consumer(
                lambda m: submitter.handle(RunRequested.model_validate(m.detail), self.submitting)
            ),
            "batch-events": self._consumer(lambda m: monitor.handle(m, watching)),
            "sweeps": self._consumer(
                lambda m: sweeper.handle(SweepDue.model_validate(m.detail), self.sweeping)
            ),
            "statuses": self._consumer(
                lambda m: notifier.handle(RunStateChanged.model_validate(m.detail), notifying)
            ),
        }

    # What comes from outside.

    def push(self, message: str = ":ACME_RUN: train", **changes: Any) -> RunId:
        """A branch's head moves; the id of the run that this may cause."""
        pushed = a_push(message, **changes)
        self.send("pushes", enclose(pushed))
        return commit_run_id(self.names.stack, pushed.repository.uuid, pushed.branch, pushed.commit)

    def started(self, message: str = ":ACME_RUN: train") -> RunId:
        """The id of a run whose job runs."""
        run_id = self.push(message)
        self.settle()
        self.hear(self.batch.move("job-1", "RUNNING"))
        return run_id

    def swept(self, message: str = ":ACME_RUN:\n:ACME_SWEEP: lr=0.1,0.01 depth=1,2,3") -> RunId:
        """The id of a sweep whose job is submitted, and that nobody has looked at yet."""
        run_id = self.push(message)
        self.settle()
        return run_id

    def leave(
        self, run_id: RunId, index: int, objective: float | None = None, reason: str = ""
    ) -> str:
        """A point ends, and leaves its result; the key of that. It has failed with a reason."""
        run = self.run(run_id)
        assert run.asked.sweep is not None
        place = Place(run.slug, run.asked.sweep.sweep_id)
        result = Result(
            at_ms=round(self.clock.seconds() * 1000),
            wave=run.asked.sweep.wave,
            attempt=run.attempt,
            index=index,
            ok=not reason,
            seconds=12,
            objective=objective,
        )
        points = SweepResults(self.s3, BUCKET, place).points(run.asked.sweep.wave)
        body = {"parameters": points[index], "reason": reason, "commit": run.commit}
        key = place.results + result.name
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(body).encode())
        return key

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
            machines=self.machines,
        )

    def redeploy(self, **changes: Any) -> None:
        """The stack is deployed with other parameters of the submitter's."""
        self.submitting = replace(self.submitting, **changes)

    def redrive(self) -> None:
        """Somebody sends the dead letters back."""
        letters, self.dead = self.dead, []
        for letter in letters:
            self.send(letter.queue, letter.body, letter.sender)

    def rerun(self, run_id: RunId) -> Run:
        """Somebody asks for another attempt."""
        return control.rerun(run_id, now=self.clock(), runs=self.runs, publisher=self)

    def reconcile(self) -> list[Event]:
        """The reconciler's schedule fires; what it found."""
        found: list[Event] = []
        for about in TICKS:
            found += reconciler.handle(Tick(about, self.clock()), self._reconciling)
        self.publish(found)
        self.settle()
        return found

    # Queues and bus.

    def send(self, queue: str, body: str, sender: str | None = None) -> None:
        """Put a message on a queue; SQS notes who `sender` is."""
        delay = timedelta(seconds=SWEEP_SECONDS if queue == "sweeps" else 0)
        self.messages.append(Message(queue, body, self.clock() + delay, sender=sender))

    def publish(self, events: Iterable[Event]) -> None:
        """Where the services' events go: each to its queue; states go to the bus's one listener."""
        if self.publishing_crashes:
            self.publishing_crashes -= 1
            raise Crash
        queues = {
            RunRequested: "runs",
            JobDescribed: "batch-events",
            MachineDescribed: "batch-events",
            MachineOverdue: "batch-events",
            SweepDue: "sweeps",
            RunStateChanged: "statuses",
        }
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
            "attributes": {
                "ApproximateReceiveCount": str(message.deliveries),
                **({} if message.sender is None else {"SenderId": message.sender}),
            },
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
