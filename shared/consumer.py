"""How a function takes messages from its SQS queue: each one alone, each one to its end.

A message is acknowledged when what it caused is stored, and only then. One that failed is given
back alone (`ReportBatchItemFailures`), with a delay that grows with each delivery, or that the
dependency asked for; after the queue's `maxReceiveCount` it is in the dead-letter queue.

A dependency that hangs takes the time of a whole batch. Messages that Lambda cut off untried would
come again as soon as their visibility timeout ends, and be dead letters within the hour. So a
message is begun only while there is time for a call that hangs; the others are given back, untried,
with the delay of a failure.
"""

import math
import random
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws import HUNG_CALL_SECONDS
from shared.errors import Unavailable
from shared.events import Envelope, Event
from shared.telemetry import log, record

_FIRST_DELAY = 15
_LONGEST_DELAY = 900
# Bitbucket's limits are hourly: it asks for no more than that.
_LONGEST_RETRY_AFTER = 3600
# For a message whose call hangs, which is its last call, and for giving back those after it.
MESSAGE_SECONDS = HUNG_CALL_SECONDS + 2


class Failure(TypedDict):
    """One message that is given back."""

    itemIdentifier: str


class BatchResponse(TypedDict):
    """What Lambda wants to hear about a batch: the messages that are given back."""

    batchItemFailures: list[Failure]


class Invocation(Protocol):
    """Lambda's context object, as far as it is looked at."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda cuts the function off."""


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

    def __call__(
        self, event: dict[str, Any], invocation: Invocation | None = None
    ) -> BatchResponse:
        """Lambda's entry: `event` is a batch of SQS records; without `invocation` time is endless.

        The first of them is tried in any case.
        """
        messages: list[dict[str, Any]] = event["Records"]
        failed: list[dict[str, Any]] = []
        for tried, message in enumerate(messages):
            if tried and not _time_for_another(invocation):
                untried = messages[tried:]
                self._give_back(untried)
                failed += untried
                break
            if not self._done(message):
                failed.append(message)
        failures = [Failure(itemIdentifier=message["messageId"]) for message in failed]
        return BatchResponse(batchItemFailures=failures)

    def _done(self, message: dict[str, Any]) -> bool:
        attributes = message.get("attributes", {})
        with record(message["messageId"], attributes.get("AWSTraceHeader")):
            delivery = _delivery(message)
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

    def _give_back(self, untried: list[dict[str, Any]]) -> None:
        log.warning("messages given back untried", messages=len(untried))
        for message in untried:
            self._delay(message["receiptHandle"], backoff(_delivery(message)))

    def _delay(self, receipt_handle: str, seconds: int) -> None:
        try:
            self._queue.delay(receipt_handle, seconds)
        except (BotoCoreError, ClientError) as error:
            # The message still comes back, when its visibility timeout ends.
            log.warning("message not delayed", reason=type(error).__name__)


def _delivery(message: dict[str, Any]) -> int:
    return int(message.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _time_for_another(invocation: Invocation | None) -> bool:
    if invocation is None:
        return True
    return invocation.get_remaining_time_in_millis() >= MESSAGE_SECONDS * 1000


def backoff(delivery: int, retry_after: float | None = None) -> int:
    """Seconds until a message comes again after its `delivery`-th failure: 15, 30, … 900.

    A dependency that asks for longer gets it, up to an hour. Up to a fifth is added at random, so
    that messages that failed together do not come back together.
    """
    seconds: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(delivery - 1, 10))
    seconds = max(seconds, min(_LONGEST_RETRY_AFTER, retry_after or 0))
    return math.ceil(seconds + random.uniform(0, seconds / 5))  # noqa: S311 - jitter, no secret
