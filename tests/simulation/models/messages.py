"""The messages of a queue of SQS's, and what of one becomes visible when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.samples import REGION
from tests.simulation.models.ports import refused

SENDER = "AROASERVICE:function"
_LONGEST_DELAY = 900
_MOST_ENTRIES = 10
# SQS takes 1 MiB by now, which not every region has followed: the product counts on this.
_MOST_BYTES = 262_144
# What XML 1.0 cannot hold (API reference, SendMessage: MessageBody).
_UNSENDABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# By the name of a function, how often it was called.
Lineage = Mapping[str, int]


@dataclass(slots=True, eq=False)
class Message:
    """A message as SQS keeps it. Times are seconds since 1970.

    `sent_at` is when it was put on the queue, `receives` how often it was received, `visible_at`
    when it can be received (again), `died_at` when it was moved to the dead-letter queue. `receipt`
    is the latest that was given out. One that is `gone` was deleted, or moved. A copy that SQS
    delivers although the message was deleted, or is in flight, has the same id. `lineage` is how
    often the chain of messages that it ends has led to each function, `attributes` what its sender
    has said beside the body.
    """

    id: str
    body: str
    sent_at: float
    visible_at: float
    sender: str
    receives: int = 0
    first_received_at: float | None = None
    died_at: float | None = None
    receipt: str | None = None
    gone: bool = False
    lineage: Lineage = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def record(self, receipt: str, queue: str) -> dict[str, Any]:
        """What Lambda's poller hands to a function.

        AWS Lambda developer guide, "Example Amazon SQS message event"; without the checksum.
        """
        return {
            "messageId": self.id,
            "receiptHandle": receipt,
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": str(self.receives),
                "SentTimestamp": str(int(self.sent_at * 1000)),
                "SenderId": self.sender,
                "ApproximateFirstReceiveTimestamp": str(int((self.first_received_at or 0) * 1000)),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:{queue}",
            "awsRegion": REGION,
        }


@dataclass
class Queue:
    """A queue. `receipts` tells whose a receipt is, also of messages that are gone."""

    name: str
    visibility: float
    delay: float
    most_receives: int | None
    dead_letters: str | None
    messages: list[Message] = field(default_factory=list)
    receipts: dict[str, Message] = field(default_factory=dict)

    def hand_out(self, message: Message, now: float, hidden: float | None = None) -> str:
        """Count that a message is received, and hide it, for so many seconds; its receipt."""
        message.receives += 1
        message.visible_at = now + (self.visibility if hidden is None else hidden)
        if message.first_received_at is None:
            message.first_received_at = now
        receipt = f"{message.id}-{len(self.receipts) + 1}"
        message.receipt = receipt
        self.receipts[receipt] = message
        return receipt

    def drop(self, message: Message) -> None:
        """Let a message be gone."""
        self.messages.remove(message)
        message.gone = True


def unsendable(body: str, delay: int | None) -> str | None:
    """The code with which SQS refuses a message, if it does."""
    if delay is not None and not 0 <= delay <= _LONGEST_DELAY:
        return "InvalidParameterValue"
    if not body:
        return "MissingParameter"
    if len(body.encode()) > _MOST_BYTES:
        return "InvalidParameterValue"
    return "InvalidMessageContents" if _UNSENDABLE.search(body) else None


def check_batch(entries: list[dict[str, Any]]) -> None:
    """Refuse a batch as a whole (API reference, SendMessageBatch, "Errors")."""
    code = None
    if not entries:
        code = "EmptyBatchRequest"
    elif len(entries) > _MOST_ENTRIES:
        code = "TooManyEntriesInBatchRequest"
    elif len({entry["Id"] for entry in entries}) < len(entries):
        code = "BatchEntryIdsNotDistinct"
    elif sum(len(entry["MessageBody"].encode()) for entry in entries) > _MOST_BYTES:
        code = "BatchRequestTooLong"
    if code is not None:
        raise refused("SendMessageBatch", f"AWS.SimpleQueueService.{code}")
