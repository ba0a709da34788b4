"""Reads a pushed commit's message, creates the run's record, and asks for the run.

A message that cannot be read becomes a record as well, `rejected`, with the words that tell its
author what to write. "It exists already" is never "it is done": while the record says `requested`,
a redelivery asks again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from services.parser.keywords import Limits
from services.parser.requests import request
from shared.aws import Clients
from shared.consumer import Consumer, Queue
from shared.entry import Handler, entry
from shared.events import CommitPushed, Event, RunRequested
from shared.names import Names
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import state_changed
from shared.settings import Settings
from shared.telemetry import bind_run, configure, log


class ParserSettings(Settings):
    """The parser's settings."""

    environment: str
    event_bus: str
    keyword_prefix: str
    max_gpus: int
    max_memory_mib: int
    max_sweep_points: int
    max_vcpus: int
    organization: str
    pushes_queue_url: str
    runs_queue_url: str
    runs_table: str
    tolerated_failure_percent: int


@dataclass(frozen=True)
class Dependencies:
    """What `handle` needs besides the event."""

    runs: RunStore
    stack: str
    keyword_prefix: str
    limits: Limits
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def handle(pushed: CommitPushed, needs: Dependencies) -> list[Event]:
    """The events that a pushed commit causes: none, or its run's."""
    run = request(pushed, needs.stack, needs.keyword_prefix, needs.limits, needs.clock())
    if run is None:
        return []
    bind_run(run.run_id)
    if not needs.runs.create(run):
        # Somebody was here before, and perhaps no further than this.
        run = needs.runs.get(run.run_id) or run
    log.info("run read", state=run.state, attempt=run.attempt, commit=run.commit)
    asked = [RunRequested(run_id=run.run_id, attempt=run.attempt)]
    return [*(asked if run.state == "requested" else []), state_changed(run)]


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = ParserSettings.from_environment()
    configure("parser", settings)
    clients = Clients(settings.aws_region)
    sqs = clients.make("sqs")
    limits = Limits(
        gpus=settings.max_gpus,
        memory_mib=settings.max_memory_mib,
        vcpus=settings.max_vcpus,
        points=settings.max_sweep_points,
        failed_percent=settings.tolerated_failure_percent,
    )
    runs = RunStore(clients.make("dynamodb"), settings.runs_table)
    stack = Names(settings.organization, settings.environment).stack
    needs = Dependencies(runs, stack, settings.keyword_prefix, limits)
    publisher = Publisher(
        sqs=sqs,
        queues={RunRequested: settings.runs_queue_url},
        eventbridge=clients.make("events"),
        bus=settings.event_bus,
    )
    return Consumer(
        lambda message: handle(CommitPushed.model_validate(message.detail), needs),
        publisher,
        Queue(sqs, settings.pushes_queue_url),
    )


handler = entry(build)
