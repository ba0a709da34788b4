"""How a function takes messages from its SQS queue: each one alone, each one to its end.

A message is acknowledged when what it caused is stored, and only then. One that failed is given
back alone (`ReportBatchItemFailures`), with a delay that grows with each delivery, or that the
dependency asked for; after the queue's `maxReceiveCount` it is in the dead-letter queue.
"""

import math
import random
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import Unavailable
from shared.events import Envelope, Event
from shared.telemetry import log, record

_FIRST_DELAY = 15
_LONGEST_DELAY = 900
# Bitbucket's limits are hourly: it asks for no more than that.
_LONGEST_RETRY_AFTER = 3600


class Failure(TypedDict):
    """One message that is given back."""

    itemIdentifier: str


class BatchResponse(TypedDict):
    """What Lambda wants to hear about a batch: the messages that are given back."""

    batchItemFailures: list[Failure]


class PublishesEvents(Protocol):
    """Where the events go that a message causes."""

    def publish(self, events: Iterable[Event]) -> None:
        """Store every one of `events`, or raise."""


class DelaysMessages(Protocol):
    """How long a message that failed stays away."""

    def delay(self, receipt_handle: str, seconds: int) -> None:
        """Deliver the message again in `seconds`."""


class Queue:
    """The queue that messages come from, as far as a consumer changes it."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def delay(self, receipt_handle: str, seconds: int) -> None:
        """Deliver the message again in `seconds`, not when its visibility timeout ends."""
        self._sqs.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


class Consumer:
    """Turns a batch of SQS messages into events, one message at a time.

    `handle` takes the message's envelope and returns the events that it causes; these are
    published before the message counts as done.
    """

    def __init__(
        self,
        handle: Callable[[Envelope], Iterable[Event]],
        publisher: PublishesEvents,
        queue: DelaysMessages,
    ) -> None:
        self._handle = handle
        self._publisher = publisher
        self._queue = queue

    def __call__(self, event: dict[str, Any], _context: object = None) -> BatchResponse:
        """Lambda's entry: `event` is a batch of SQS records."""
        failures = [
            Failure(itemIdentifier=message["messageId"])
            for message in event["Records"]
            if not self._done(message)
        ]
        return BatchResponse(batchItemFailures=failures)

    def _done(self, message: dict[str, Any]) -> bool:
        attributes = message.get("attributes", {})
        with record(message["messageId"], attributes.get("AWSTraceHeader")):
            delivery = int(attributes.get("ApproximateReceiveCount", 1))
            try:
                envelope = Envelope.read(message["body"], attributes.get("SenderId"))
                self._publisher.publish(self._handle(envelope))
            except Unavailable as error:
                seconds = backoff(delivery, error.retry_after)
                log.warning(
                    "message given back", doing=str(error), delivery=delivery, seconds=seconds
                )
                self._delay(message["receiptHandle"], seconds)
                return False
            except Exception:  # noqa: BLE001 - a bug in one message must not hold up its batch
                log.exception("message failed", delivery=delivery)
                return False
            return True

    def _delay(self, receipt_handle: str, seconds: int) -> None:
        try:
            self._queue.delay(receipt_handle, seconds)
        except (BotoCoreError, ClientError) as error:
            # The message still comes back, when its visibility timeout ends.
            log.warning("message not delayed", reason=type(error).__name__)


def backoff(delivery: int, retry_after: float | None = None) -> int:
    """Seconds until a message comes again after its `delivery`-th failure: 15, 30, … 900.

    A dependency that asks for longer gets it, up to an hour. Up to a fifth is added at random, so
    that messages that failed together do not come back together.
    """
    seconds: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(delivery - 1, 10))
    seconds = max(seconds, min(_LONGEST_RETRY_AFTER, retry_after or 0))
    return math.ceil(seconds + random.uniform(0, seconds / 5))  # noqa: S311 - jitter, no secret
