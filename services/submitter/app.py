"""Submits one Batch job per attempt of a run, however often it is asked to.

SubmitJob takes no idempotency token. The attempt is claimed by a conditional write, a lease that
notes the job's name and queue; whoever takes over a lease that has run out looks the name up first
and adopts the job that it finds. See docs/decisions/0005-one-job-per-attempt.md.
"""

from services.submitter.definitions import JobDefinitions
from services.submitter.jobs import SubmitterJobs
from services.submitter.submission import Dependencies, submit
from shared.aws import Clients
from shared.batch_jobs import BatchJobs
from shared.consumer import Consumer, Queue
from shared.entry import Handler, entry
from shared.events import Event, RunRequested
from shared.names import Names
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import state_changed
from shared.settings import Settings
from shared.telemetry import bind_run, configure


class SubmitterSettings(Settings):
    """The submitter's settings. `lease_seconds`: its own timeout plus ListJobs' staleness."""

    environment: str
    event_bus: str
    # The queue of jobs with GPUs; it may be `job_queue` again.
    gpu_job_queue: str
    job_queue: str
    keyword_prefix: str
    lease_seconds: int
    organization: str
    runs_queue_url: str
    runs_table: str
    # Only a queue with a fair-share policy takes one, and needs one.
    share_identifier: str | None = None


def handle(requested: RunRequested, needs: Dependencies) -> list[Event]:
    """The events that a request causes: what became of the run."""
    bind_run(requested.run_id)
    run = submit(requested, needs)
    return [state_changed(run)]


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = SubmitterSettings.from_environment()
    configure("submitter", settings)
    clients = Clients(settings.aws_region)
    sqs = clients.make_late("sqs")
    batch = clients.make("batch")
    # One attempt: a call whose answer is unclear is resolved by adoption, never by repetition.
    submitting = clients.make("batch", attempts=1)
    needs = Dependencies(
        runs=RunStore(clients.make("dynamodb"), settings.runs_table),
        batch=SubmitterJobs(submitting),
        jobs=BatchJobs(batch),
        definitions=JobDefinitions(batch),
        names=Names(settings.organization, settings.environment),
        job_queue=settings.job_queue,
        gpu_job_queue=settings.gpu_job_queue,
        keyword_prefix=settings.keyword_prefix,
        lease_seconds=settings.lease_seconds,
        share_identifier=settings.share_identifier,
    )
    publisher = Publisher(eventbridge=clients.make("events"), bus=settings.event_bus)
    return Consumer(
        lambda message: handle(RunRequested.model_validate(message.detail), needs),
        publisher,
        Queue(sqs, settings.runs_queue_url),
    )


handler = entry(build)
