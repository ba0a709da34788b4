"""Where our events go: commands to their queue, facts to the bus, in batches.

Limits: SendMessageBatch takes ten entries of together 262,144 bytes at most, PutEvents ten of
together 262,144 bytes (the API references; SQS has since raised its own to 1 MiB, which not every
region and emulator has followed). Either can accept some entries and refuse others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.aws import calling
from shared.errors import Unavailable
from shared.events import SOURCE, Event, enclose

_MAX_ENTRIES = 10
# What an entry holds beside its text, such as source and detail-type, counts as well.
_MAX_BYTES = 262_144 - _MAX_ENTRIES * 100


class Publisher:
    """Sends events; returns only when every one of them is stored.

    `queues` maps the class of a command to the url of its queue; any other event is a fact and
    goes to `bus`. A service that publishes no commands needs no queues, and the other way round.
    """

    def __init__(
        self,
        *,
        sqs: Any = None,
        queues: Mapping[type[Event], str] | None = None,
        eventbridge: Any = None,
        bus: str | None = None,
    ) -> None:
        self._sqs = sqs
        self._queues = dict(queues or {})
        self._eventbridge = eventbridge
        self._bus = bus

    def publish(self, events: Iterable[Event]) -> None:
        """Send `events`, commands first: the work that they ask for matters more than the news.

        Raises:
            Unavailable: some may not be stored. Those that are, are sent again with the next try;
                every consumer bears that.

        """
        facts: list[Event] = []
        commands: dict[str, list[str]] = {}
        for event in events:
            queue = self._queues.get(type(event))
            if queue is None:
                self._check_bus(event.detail_type())
                facts.append(event)
            else:
                commands.setdefault(queue, []).append(enclose(event))
        for queue, bodies in commands.items():
            self._send(queue, bodies)
        self._put(facts)

    def _check_bus(self, kind: str) -> None:
        if self._bus is None:
            message = f"publishing {kind}: this service has neither a queue for it nor a bus"
            raise TypeError(message)

    def _send(self, queue: str, bodies: list[str]) -> None:
        for batch in batches(bodies):
            entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(batch)]
            with calling("sending to a queue"):
                answer = self._sqs.send_message_batch(QueueUrl=queue, Entries=entries)
            _all_accepted(answer.get("Failed", []), "Code", "sending to a queue")

    def _put(self, facts: list[Event]) -> None:
        kinds = iter([fact.detail_type() for fact in facts])
        for batch in batches([fact.detail() for fact in facts]):
            entries = [
                {
                    "EventBusName": self._bus,
                    "Source": SOURCE,
                    "DetailType": next(kinds),
                    "Detail": detail,
                }
                for detail in batch
            ]
            with calling("putting events"):
                answer = self._eventbridge.put_events(Entries=entries)
            refused = [entry for entry in answer.get("Entries", []) if entry.get("ErrorCode")]
            _all_accepted(refused, "ErrorCode", "putting events")


def _all_accepted(refused: list[dict[str, str]], code: str, doing: str) -> None:
    if refused:
        message = f"{doing}: {len(refused)} refused, the first with {refused[0].get(code)}"
        raise Unavailable(message)


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in groups that one SendMessageBatch or PutEvents takes, in their order."""
    batch: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if batch and (len(batch) == _MAX_ENTRIES or size + length > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch
