"""Takes Batch's events from the outbox to the queues that the default bus' rules name.

AWS and its emulators refuse events from a source `aws.*` in PutEvents, so the rules of the default
bus are read and applied here. Events keep their order; while the AWS endpoint is away they wait.
"""

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol

from local.batch.events import events_of
from local.batch.shapes import Document
from shared.publisher import batches

log = logging.getLogger(__name__)

# As many entries as are read at once; SendMessageBatch takes no more.
_AT_ONCE: Final = 10
# As many events as are in memory at once: an entry may hold those of 10,000 children.
_IN_MEMORY: Final = 100
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0


class Away(Exception):
    """The AWS endpoint cannot be reached or asks to wait; trying again later is worth it."""


class Outbox(Protocol):
    """Where events wait; `posted` is set when one comes."""

    posted: threading.Event

    def outbox(self, limit: int) -> list[tuple[int, Document]]:
        """The oldest entries with their positions; each holds one event or more."""

    def delivered(self, positions: Sequence[int]) -> None:
        """Forget these entries."""


class Bus(Protocol):
    """The default event bus."""

    def targets(self, event: Document) -> list[str]:
        """URLs of the queues that an event goes to; raises Away."""


class Queues(Protocol):
    """SQS."""

    def send(self, queue_url: str, bodies: Sequence[str]) -> list[int]:
        """Send at most ten bodies; answer the indexes of those to send again; raises Away."""


class Delivery:
    """A thread that empties the outbox."""

    def __init__(self, outbox: Outbox, bus: Bus, queues: Queues) -> None:
        self._outbox = outbox
        self._bus = bus
        self._queues = queues
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Stop after the events at hand, or after `patience` seconds; the rest stays stored."""
        self._stop.set()
        self._outbox.posted.set()
        self._thread.join(patience)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self._outbox.posted.clear()
            if self._stop.is_set():
                return
            waiting = self._outbox.outbox(_AT_ONCE)
            if not waiting:
                self._outbox.posted.wait()
                continue
            try:
                for some in _in_parts(event for _, entry in waiting for event in events_of(entry)):
                    self.deliver(some)
            except Away as error:
                log.warning("delivering events: %s; again in %.1f s", error, pause)
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                self._outbox.delivered([position for position, _ in waiting])
                pause = _FIRST_PAUSE_SECONDS

    def deliver(self, events: Sequence[Document]) -> None:
        """Send each event to the queues of every rule that matches it; raises Away.

        Events of one queue go in their order. Should one be refused in part, it and those after it
        go again, so a queue may see an event twice but never an older one last.
        """
        by_queue: Mapping[str, list[str]] = defaultdict(list)
        for event in events:
            if queue_urls := self._bus.targets(event):
                body = json.dumps(event)
                for queue_url in queue_urls:
                    by_queue[queue_url].append(body)
        for queue_url, bodies in by_queue.items():
            for batch in batches(bodies):
                if again := self._queues.send(queue_url, batch):
                    raise Away(f"{len(again)} of {len(batch)} messages were not taken")


def _in_parts(events: Iterable[Document]) -> Iterator[list[Document]]:
    rest = iter(events)
    while some := list(islice(rest, _IN_MEMORY)):
        yield some
