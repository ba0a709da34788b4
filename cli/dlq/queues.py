"""The dead-letter queues of a stack, and how SQS is asked about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.dlq.letters import Letter

_MOST_AT_ONCE = 10  # ReceiveMessage and the batch calls take no more (API reference)
_WAIT_SECONDS = 1  # a wait makes SQS ask all of its servers, so that "nothing" means nothing


@dataclass(frozen=True)
class Kind:
    """A dead-letter queue: the stack's outputs that lead to it and to where its messages died."""

    name: str
    output: str
    source: str | None
    meaning: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("pushes", "PushesDlqUrl", "PushesQueueUrl", "pushes that the parser could not read"),
        Kind("runs", "RunsDlqUrl", "RunsQueueUrl", "runs that could not be submitted to Batch"),
        Kind(
            "batch-events",
            "BatchEventsDlqUrl",
            "BatchEventsQueueUrl",
            "what Batch said of jobs, not taken in",
        ),
        Kind(
            "statuses",
            "StatusesDlqUrl",
            "StatusesQueueUrl",
            "build statuses that could not be posted",
        ),
        Kind("sweeps", "SweepsDlqUrl", "SweepsQueueUrl", "sweeps that could not be looked after"),
        Kind(
            "undelivered",
            "UndeliveredDlqUrl",
            None,
            "events that EventBridge or Lambda could not hand over",
        ),
    )
}


@dataclass(frozen=True)
class Counts:
    """How many messages there are; SQS calls both numbers approximate."""

    visible: int
    in_flight: int

    @property
    def empty(self) -> bool:
        """Whether there is none."""
        return self.total == 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.visible + self.in_flight


class DeadLetterQueue:
    """One dead-letter queue."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def counts(self) -> Counts:
        """How many messages it holds."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return Counts(*(int(answer["Attributes"][name]) for name in names))

    def take(self, hold_seconds: int) -> list[Letter]:
        """Up to ten messages, which nobody else sees for so long; none: there are no more."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_MOST_AT_ONCE,
            VisibilityTimeout=hold_seconds,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [Letter.of(message) for message in answer.get("Messages", [])]

    def give_back(self, letters: Sequence[Letter]) -> None:
        """Show messages to everybody again; one that is refused comes back when its time is up."""
        for start in range(0, len(letters), _MOST_AT_ONCE):
            entries = [
                {"Id": str(place), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                for place, letter in enumerate(letters[start : start + _MOST_AT_ONCE])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def send(self, url: str, letter: Letter) -> str:
        """Send a message to another queue as it was, trace and all; the id that it has there."""
        header = _trace(letter.trace or "")
        trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}} if header else {}
        answer = self._sqs.send_message(
            QueueUrl=url,
            MessageBody=letter.body,
            MessageAttributes=dict(letter.attributes),
            MessageSystemAttributes=trace,
        )
        message_id: str = answer["MessageId"]
        return message_id

    def delete(self, letter: Letter) -> None:
        """Delete a message."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)


def _trace(header: str) -> str:
    """A trace header without `Lineage`, where Lambda counts how often one event leads to the next.

    After 16 it calls a function no more (AWS Lambda developer guide, "Use Lambda recursive loop
    detection"). What a person sends back begins anew.

    >>> _trace("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=2:a87bd80c:16")
    'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1'
    """
    return ";".join(part for part in header.split(";") if not part.startswith("Lineage="))
