"""Submits one Batch job per attempt of a run, however often it is asked to.

SubmitJob takes no idempotency token. The attempt is claimed by a conditional write, a lease that
notes the job's name and queue; whoever takes over a lease that has run out looks the name up first
and adopts the job that it finds. See docs/decisions/0005-one-job-per-attempt.md.
"""

from services.submitter.definitions import JobDefinitions
from services.submitter.jobs import SubmitterJobs
from services.submitter.permitted import Permitted, listed
from services.submitter.points import PointLists, to_be_looked_after
from services.submitter.queues import JobQueues
from services.submitter.submission import Dependencies, submit
from shared.aws import Clients
from shared.batch_jobs import BatchJobs
from shared.consumer import Consumer, Queue
from shared.entry import Handler, entry
from shared.events import Event, RunRequested, SweepDue
from shared.names import Names
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import state_changed
from shared.settings import Settings
from shared.telemetry import bind_run, configure


class SubmitterSettings(Settings):
    """The submitter's settings. `lease_seconds`: its own timeout plus ListJobs' staleness.

    `unseen_seconds`: how long what Batch does not show is looked for at least, from the request on.
    """

    data_bucket: str
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
    # What sweeps may use besides, each a list with commas.
    sweep_job_definitions: str | None = None
    sweep_job_queues: str | None = None
    sweeps_queue_url: str
    unseen_seconds: int


def handle(requested: RunRequested, needs: Dependencies) -> list[Event]:
    """The events that a request causes: what became of the run; a sweep is looked after, too."""
    bind_run(requested.run_id)
    run = submit(requested, needs)
    due = [SweepDue(run_id=run.run_id, attempt=run.attempt)] if to_be_looked_after(run) else []
    return [*due, state_changed(run)]


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = SubmitterSettings.from_environment()
    configure("submitter", settings)
    clients = Clients(settings.aws_region)
    sqs = clients.make_late("sqs")
    batch = clients.make("batch")
    names = Names(settings.organization, settings.environment)
    permitted = Permitted(
        own=(settings.job_queue, settings.gpu_job_queue),
        others=listed(settings.sweep_job_queues),
        definitions=listed(settings.sweep_job_definitions),
        projects=names.job_definition(""),
    )
    # One attempt: a call whose answer is unclear is resolved by adoption, never by repetition.
    submitting = clients.make("batch", attempts=1)
    needs = Dependencies(
        runs=RunStore(clients.make("dynamodb"), settings.runs_table),
        batch=SubmitterJobs(submitting),
        jobs=BatchJobs(batch),
        definitions=JobDefinitions(batch),
        queues=JobQueues(batch),
        permitted=permitted,
        lists=PointLists(clients.make_late("s3"), settings.data_bucket),
        names=names,
        job_queue=settings.job_queue,
        gpu_job_queue=settings.gpu_job_queue,
        keyword_prefix=settings.keyword_prefix,
        lease_seconds=settings.lease_seconds,
        unseen_seconds=settings.unseen_seconds,
        share_identifier=settings.share_identifier,
    )
    publisher = Publisher(
        sqs=sqs,
        queues={SweepDue: settings.sweeps_queue_url},
        eventbridge=clients.make("events"),
        bus=settings.event_bus,
    )
    return Consumer(
        lambda message: handle(RunRequested.model_validate(message.detail), needs),
        publisher,
        Queue(sqs, settings.runs_queue_url),
    )


handler = entry(build)
