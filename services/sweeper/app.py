"""Looks after sweeps: how far their points are, and in the end the report of all of them.

A message of a queue that delays it is the clock: each look sends the next, until the run is over.
A look asks Batch about the parent alone, and S3 for what came in the last five minutes, so that it
costs the same for ten points and for ten thousand. See docs/decisions/0022-a-sweep-is-one-run.md.
"""

from services.sweeper.dependencies import Dependencies
from services.sweeper.looking import look
from shared.aws import Clients
from shared.batch_jobs import BatchJobs
from shared.best import BestResults
from shared.bitbucket import Bitbucket
from shared.consumer import Consumer, Queue
from shared.entry import Handler, entry
from shared.events import Event, JobDescribed, SweepDue
from shared.points import Place
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.secrets import Secrets
from shared.settings import Settings
from shared.sweep_results import SweepResults
from shared.telemetry import bind_run, configure


class SweeperSettings(Settings):
    """The sweeper's settings."""

    batch_events_queue_url: str
    best_results_table: str
    bitbucket_api_url: str
    bitbucket_auth_secret: str
    data_bucket: str
    event_bus: str
    runs_table: str
    sweeps_queue_url: str


def handle(due: SweepDue, needs: Dependencies) -> list[Event]:
    """The events that a look causes: the next look, the run's news, what Batch said of its end."""
    bind_run(due.run_id)
    return look(due, needs)


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = SweeperSettings.from_environment()
    configure("sweeper", settings)
    clients = Clients(settings.aws_region)
    dynamodb, s3, sqs = clients.make("dynamodb"), clients.make("s3"), clients.make("sqs")
    secrets = Secrets(clients.make_late("secretsmanager"))

    def results(place: Place) -> SweepResults:
        return SweepResults(s3, settings.data_bucket, place)

    needs = Dependencies(
        runs=RunStore(dynamodb, settings.runs_table),
        jobs=BatchJobs(clients.make("batch")),
        results=results,
        best=BestResults(dynamodb, settings.best_results_table),
        bitbucket=Bitbucket(settings.bitbucket_api_url, settings.bitbucket_auth_secret, secrets),
    )
    publisher = Publisher(
        sqs=sqs,
        queues={
            JobDescribed: settings.batch_events_queue_url,
            SweepDue: settings.sweeps_queue_url,
        },
        eventbridge=clients.make("events"),
        bus=settings.event_bus,
    )
    return Consumer(
        lambda message: handle(SweepDue.model_validate(message.detail), needs),
        publisher,
        Queue(sqs, settings.sweeps_queue_url),
    )


handler = entry(build)
