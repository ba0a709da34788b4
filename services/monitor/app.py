"""Turns what Batch says of jobs, and machines of one's own of themselves, into run states.

That arrives at least once and in any order, as events of Batch's own, as reports of machines, and
as answers that the reconciler asked for. A redelivery that changes nothing still publishes: whoever
wrote may have been cut off before it did.
"""

from services.monitor.dependencies import Dependencies
from services.monitor.messages import hear
from shared.aws import Clients
from shared.batch_jobs import BatchJobs
from shared.consumer import Consumer, Queue
from shared.entry import Handler, entry
from shared.events import Envelope, Event
from shared.machines import Machines
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import state_changed
from shared.settings import Settings
from shared.telemetry import configure


class MonitorSettings(Settings):
    """The monitor's settings."""

    batch_events_queue_url: str
    event_bus: str
    runs_table: str


def handle(message: Envelope, needs: Dependencies) -> list[Event]:
    """The events that a message causes: none where its job, or machine, is none of a run's."""
    run = hear(message, needs)
    return [] if run is None else [state_changed(run)]


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = MonitorSettings.from_environment()
    configure("monitor", settings)
    clients = Clients(settings.aws_region)
    needs = Dependencies(
        runs=RunStore(clients.make("dynamodb"), settings.runs_table),
        jobs=BatchJobs(clients.make_late("batch")),
        machines=Machines(clients.make_late("ec2")),
    )
    publisher = Publisher(eventbridge=clients.make("events"), bus=settings.event_bus)
    queue = Queue(clients.make_late("sqs"), settings.batch_events_queue_url)
    return Consumer(lambda message: handle(message, needs), publisher, queue)


handler = entry(build)
