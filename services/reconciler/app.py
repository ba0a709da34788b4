"""Asks after runs that have not moved for some minutes, so that a lost event is no lost run.

It changes no record itself. What it finds out is put where it should have arrived: Batch's answer
and EC2's into the queue of Batch's events, a run that nobody submitted into the queue of runs, a
sweep that nobody looks after into the queue of sweeps. So it may be cut off anywhere, or run twice,
and nothing is missed. The same goes for machines that should have ended themselves. A queue that
is not being read gets no more copies of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.reconciler.backlogs import Backlogs
from services.reconciler.findings import FORSAKEN, TICKS, Tick, findings, still_requested
from services.reconciler.machines import machines_of_runs, machines_overdue
from shared.aws import Clients
from shared.batch_jobs import BatchJobs
from shared.entry import Handler, entry
from shared.events import (
    Event,
    JobDescribed,
    MachineDescribed,
    MachineOverdue,
    RunRequested,
    SweepDue,
)
from shared.machines import Machines
from shared.names import Names
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import OPEN_STATES
from shared.settings import Settings
from shared.telemetry import configure, record


class ReconcilerSettings(Settings):
    """The reconciler's settings. A run is asked after once its record is `unmoved_seconds` old."""

    batch_events_queue_url: str
    environment: str
    organization: str
    runs_queue_url: str
    runs_table: str
    sweeps_queue_url: str
    unmoved_seconds: int


@dataclass(frozen=True)
class Dependencies:
    """What `handle` needs besides the time; `stack` is the tag that its machines carry."""

    runs: RunStore
    jobs: BatchJobs
    machines: Machines
    stack: str
    unmoved: timedelta


def handle(tick: Tick, needs: Dependencies) -> list[Event]:
    """The events that should have come by now, and have not."""
    if tick.about == "machines":
        before = tick.now - needs.unmoved
        runs = [run for state in OPEN_STATES for run in needs.runs.unmoved(state, before)]
        asked = machines_of_runs(runs, needs.machines, tick.now)
        return [*asked, *machines_overdue(needs.machines, needs.stack, tick.now)]
    if tick.about == "requested":
        forsaken = needs.runs.unmoved("requested", tick.now - FORSAKEN * needs.unmoved)
        return list(still_requested(forsaken, tick.now))
    unmoved = needs.runs.unmoved(tick.about, tick.now - needs.unmoved)
    return list(findings(unmoved, needs.jobs, tick.now))


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = ReconcilerSettings.from_environment()
    configure("reconciler", settings)
    clients = Clients(settings.aws_region)
    needs = Dependencies(
        runs=RunStore(clients.make("dynamodb"), settings.runs_table),
        jobs=BatchJobs(clients.make("batch")),
        machines=Machines(clients.make("ec2")),
        stack=Names(settings.organization, settings.environment).stack,
        unmoved=timedelta(seconds=settings.unmoved_seconds),
    )
    queues: dict[type[Event], str] = {
        JobDescribed: settings.batch_events_queue_url,
        MachineDescribed: settings.batch_events_queue_url,
        MachineOverdue: settings.batch_events_queue_url,
        RunRequested: settings.runs_queue_url,
        SweepDue: settings.sweeps_queue_url,
    }
    sqs = clients.make("sqs")
    publisher, backlogs = Publisher(sqs=sqs, queues=queues), Backlogs(sqs, queues)

    def ask(event: dict[str, Any], _context: Any = None) -> Mapping[str, Any]:
        failed: list[Exception] = []
        with record(str(event.get("id", "none"))):
            for about in TICKS:
                try:
                    found = handle(Tick(about, datetime.now(UTC)), needs)
                    publisher.publish(backlogs.with_room(found))
                except Exception as error:  # noqa: BLE001 - raised below, after the others
                    failed.append(error)
        if failed:
            message = "asking after runs that have not moved"
            raise ExceptionGroup(message, failed)
        return {}

    return ask


handler = entry(build)
