"""Asks after runs that have not moved for some minutes, so that a lost event is no lost run.

It changes no record itself. What it finds out is put where it should have arrived: Batch's answer
into the queue of Batch's events, a run that nobody submitted into the queue of runs. So it may be
cut off anywhere, or run twice, and nothing is missed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.reconciler.findings import findings, still_requested
from shared.aws import Clients
from shared.batch_jobs import BatchJobs
from shared.entry import Handler, entry
from shared.events import Event, JobDescribed, RunRequested
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.settings import Settings
from shared.telemetry import configure, log, record


class ReconcilerSettings(Settings):
    """The reconciler's settings. A run is asked after once its record is `unmoved_seconds` old."""

    batch_events_queue_url: str
    runs_queue_url: str
    runs_table: str
    unmoved_seconds: int


@dataclass(frozen=True)
class Dependencies:
    """What `handle` needs besides the time."""

    runs: RunStore
    jobs: BatchJobs
    unmoved: timedelta


def handle(now: datetime, needs: Dependencies) -> list[Event]:
    """The events that should have come by `now`, and have not."""
    before = now - needs.unmoved
    missed: list[Event] = list(still_requested(needs.runs.unmoved("requested", before), now))
    for state in ("submitted", "running"):
        missed += findings(list(needs.runs.unmoved(state, before)), needs.jobs, now)
    log.info("runs asked after", missed=len(missed))
    return missed


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = ReconcilerSettings.from_environment()
    configure("reconciler", settings)
    clients = Clients(settings.aws_region)
    needs = Dependencies(
        runs=RunStore(clients.make("dynamodb"), settings.runs_table),
        jobs=BatchJobs(clients.make("batch")),
        unmoved=timedelta(seconds=settings.unmoved_seconds),
    )
    queues: dict[type[Event], str] = {
        JobDescribed: settings.batch_events_queue_url,
        RunRequested: settings.runs_queue_url,
    }
    publisher = Publisher(sqs=clients.make("sqs"), queues=queues)

    def tick(event: dict[str, Any], _context: Any = None) -> Mapping[str, Any]:
        with record(str(event.get("id", "none"))):
            publisher.publish(handle(datetime.now(UTC), needs))
        return {}

    return tick


handler = entry(build)
