"""SQS's standard queues: every message at least once, in any order, given up after enough tries.

Sources: Amazon SQS developer guide, "Amazon SQS standard queues", "Amazon SQS visibility timeout",
"Using dead-letter queues in Amazon SQS" (a message received maxReceiveCount times is moved when it
would be received again, and keeps its enqueue timestamp); API reference, SendMessageBatch,
ReceiveMessage, ChangeMessageVisibility and DeleteMessage. Retention, 14 days in template.yaml, is
longer than any simulation and not modelled; nor is long polling.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.models.messages import (
    SENDER,
    Lineage,
    Message,
    Queue,
    check_batch,
    unsendable,
)
from tests.simulation.models.ports import Chooses, Later, Now, refused

_LONGEST_TIMEOUT = 43_200
# How late a message may show; and how late one may show again that was deleted.
_LATE_SECONDS = 60.0
_AGAIN_SECONDS = 3 * 3600.0


class Sqs:
    """SQS's client, and what pollers and operators do with queues.

    `on_change` is called with a queue's url whenever a message of it may have become visible
    earlier than before: sent, given back, or its timeout changed. `sender` tells who sends, as
    SenderId has it: the unique id of an identity, and of a role's session its name; `lineage` how
    often functions were called until they sent it, as the trace header has it. `sent` are all
    messages that were ever put on a queue, with its url, in their order; copies are none of them.
    """

    def __init__(self, now: Now, choices: Chooses, later: Later) -> None:
        del later  # what is visible when is asked for: `next_visible`
        self._now = now
        self._choices = choices
        self._queues: dict[str, Queue] = {}
        self._numbers = itertools.count(1)
        self.on_change: Callable[[str], None] = lambda _url: None
        self.sent: list[tuple[str, Message]] = []
        self.sender: Callable[[], str] = lambda: SENDER
        self.lineage: Callable[[], Lineage] = dict

    def declare(
        self,
        url: str,
        *,
        visibility: float = 30,
        delay: float = 0,
        most_receives: int | None = None,
        dead_letters: str | None = None,
    ) -> None:
        """Let there be a queue. `dead_letters` is the url of the queue for what it gives up."""
        name = url.rpartition("/")[2]
        self._queues[url] = Queue(name, visibility, delay, most_receives, dead_letters)

    def send_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - botocore's name
        MessageBody: str,  # noqa: N803 - botocore's name
        DelaySeconds: int | None = None,  # noqa: N803 - botocore's name
        MessageAttributes: Mapping[str, Any] | None = None,  # noqa: N803 - botocore's name
        MessageSystemAttributes: Mapping[str, Any] | None = None,  # noqa: N803 - botocore's name
    ) -> dict[str, str]:
        """Put a message on a queue."""
        self._queue(QueueUrl, "SendMessage")
        code = unsendable(MessageBody, DelaySeconds)
        if code is not None:
            raise refused("SendMessage", code)
        del MessageSystemAttributes  # the trace is known by `lineage`
        message = self.put(QueueUrl, MessageBody, self.sender(), DelaySeconds, self.lineage())
        message.attributes = MessageAttributes or {}
        return {"MessageId": message.id}

    def send_message_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - botocore's name
        Entries: list[dict[str, Any]],  # noqa: N803 - botocore's name
    ) -> dict[str, list[dict[str, Any]]]:
        """Put up to ten messages on a queue; the fault `partial` refuses some of them."""
        queue = self._queue(QueueUrl, "SendMessageBatch")
        check_batch(Entries)
        successful, failed = [], []
        for entry in Entries:
            body, delay = entry["MessageBody"], entry.get("DelaySeconds")
            code = unsendable(body, delay)
            theirs = code is not None
            if not theirs and self._choices.strikes("partial", f"{queue.name} {entry['Id']}"):
                code = "InternalError"
            if code is None:
                message = self.put(QueueUrl, body, self.sender(), delay, self.lineage())
                successful.append({"Id": entry["Id"], "MessageId": message.id})
            else:
                failed.append({"Id": entry["Id"], "SenderFault": theirs, "Code": code})
        answer = {"Successful": successful, "Failed": failed}
        return {name: entries for name, entries in answer.items() if entries}

    def get_queue_attributes(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - botocore's name
        AttributeNames: list[str],  # noqa: N803 - botocore's name
    ) -> dict[str, dict[str, str]]:
        """How many messages of a queue can be received now, and how many were, or are delayed."""
        now, messages = self._now(), self._queue(QueueUrl, "GetQueueAttributes").messages
        visible = sum(one.visible_at <= now for one in messages)
        flying = sum(one.visible_at > now and one.receives > 0 for one in messages)
        counts = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": flying,
            "ApproximateNumberOfMessagesDelayed": len(messages) - visible - flying,
        }
        return {"Attributes": {name: str(counts[name]) for name in AttributeNames}}

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - botocore's name
        MaxNumberOfMessages: int,  # noqa: N803 - botocore's name
        VisibilityTimeout: int,  # noqa: N803 - botocore's name
        **_more: object,
    ) -> dict[str, list[dict[str, Any]]]:
        """Up to ten messages that are visible, as people get them: for dead-letter queues."""
        queue, now = self._queue(QueueUrl, "ReceiveMessage"), self._now()
        visible = [message for message in queue.messages if message.visible_at <= now]
        found = [
            {
                "MessageId": message.id,
                "ReceiptHandle": queue.hand_out(message, now, VisibilityTimeout),
                "Body": message.body,
                "Attributes": message.record("", queue.name)["attributes"],
                "MessageAttributes": dict(message.attributes),
            }
            for message in visible[:MaxNumberOfMessages]
        ]
        return {"Messages": found} if found else {}

    def change_message_visibility_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - botocore's name
        Entries: list[dict[str, Any]],  # noqa: N803 - botocore's name
    ) -> dict[str, list[dict[str, Any]]]:
        """Let several messages in flight come again; what is refused is told, not raised."""
        check_batch([{**entry, "MessageBody": ""} for entry in Entries])
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in Entries:
            told = {name: entry[name] for name in ("ReceiptHandle", "VisibilityTimeout")}
            try:
                self.change_message_visibility(QueueUrl=QueueUrl, **told)
                answer["Successful"].append({"Id": entry["Id"]})
            except ClientError as error:
                code = error.response["Error"]["Code"]
                answer["Failed"].append({"Id": entry["Id"], "SenderFault": True, "Code": code})
        return answer

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - botocore's name
        ReceiptHandle: str,  # noqa: N803 - botocore's name
        VisibilityTimeout: int,  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Let a message in flight come again so many seconds from now.

        An older receipt of a message that was received again works as well.
        """
        operation = "ChangeMessageVisibility"
        queue = self._queue(QueueUrl, operation)
        if not 0 <= VisibilityTimeout <= _LONGEST_TIMEOUT:
            raise refused(operation, "InvalidParameterValue")
        message = queue.receipts.get(ReceiptHandle)
        if message is None:
            raise refused(operation, "ReceiptHandleIsInvalid")
        if message.gone:
            raise refused(operation, "InvalidParameterValue", "the message does not exist")
        if message.visible_at <= self._now():
            raise refused(operation, "MessageNotInflight")
        message.visible_at = self._now() + VisibilityTimeout
        self.on_change(QueueUrl)
        return {}

    def delete_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - botocore's name
        ReceiptHandle: str,  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Delete a message, as Lambda's poller does by itself."""
        self._queue(QueueUrl, "DeleteMessage")
        self.delete(QueueUrl, [ReceiptHandle])
        return {}

    def put(
        self,
        url: str,
        body: str,
        sender: str,
        delay: float | None = None,
        lineage: Lineage | None = None,
    ) -> Message:
        """Put a message on a queue as `sender`, such as EventBridge; the fault `delayed`."""
        queue, now = self._queues[url], self._now()
        message_id = f"m{next(self._numbers)}"
        visible_at = now + (queue.delay if delay is None else delay)
        if self._choices.strikes("delayed", queue.name):
            visible_at += self._choices.seconds(0, _LATE_SECONDS, queue.name)
        message = Message(message_id, body, now, visible_at, sender, lineage=lineage or {})
        queue.messages.append(message)
        self.sent.append((url, message))
        self.on_change(url)
        return message

    def receive(self, url: str, most: int) -> list[dict[str, Any]]:
        """Up to `most` messages that are visible, as the records that Lambda gets of them.

        Faults: `reordered`; `delivered-twice`, a copy that comes later, whatever happens to this.
        """
        queue, now = self._queues[url], self._now()
        visible = [message for message in queue.messages if message.visible_at <= now]
        if len(visible) > 1 and self._choices.strikes("reordered", queue.name):
            visible.sort(key=lambda _message: self._choices.between(0, 1, queue.name))
        records: list[dict[str, Any]] = []
        for message in visible:
            if len(records) == most:
                break
            if queue.most_receives is not None and message.receives >= queue.most_receives:
                self._give_up(queue, message)
                continue
            # At its first delivery alone: copies of copies, for hours, are no SQS.
            if not message.receives and self._choices.strikes("delivered-twice", queue.name):
                self._copy(url, queue, message)
            receipt = queue.hand_out(message, now)
            records.append(message.record(receipt, queue.name))
        return records

    def delete(self, url: str, receipts: Iterable[str]) -> None:
        """Delete messages by the latest receipt of each; others "succeed", and do nothing.

        Faults: `delete-lost`, the message comes back, as if a server had not heard of it; and
        `delivered-late`, it comes hours later, when a server is back that had not ("Amazon SQS
        at-least-once delivery").
        """
        queue = self._queues[url]
        for receipt in receipts:
            message = queue.receipts[receipt]
            if message.gone or message.receipt != receipt:
                continue
            if self._choices.strikes("delivered-late", queue.name):
                late = self._choices.seconds(0, _AGAIN_SECONDS, queue.name)
                message.visible_at = self._now() + late
                self.on_change(url)
            elif not self._choices.strikes("delete-lost", queue.name):
                queue.drop(message)

    def lineage_of(self, url: str, receipts: Iterable[str]) -> Lineage:
        """How often messages that were received have led to each function; of several, the most."""
        known = self._queues[url].receipts
        counted: dict[str, int] = {}
        for receipt in receipts:
            for name, times in known[receipt].lineage.items():
                counted[name] = max(times, counted.get(name, 0))
        return counted

    def waiting(self, url: str) -> list[Message]:
        """The messages of a queue that are not deleted, those in flight and delayed among them."""
        return self._queues[url].messages

    def dead(self, url: str) -> list[Message]:
        """The messages that the queue `url` has given up, in its dead-letter queue."""
        return self._queues[self._queues[url].dead_letters or url].messages

    def next_visible(self, url: str) -> float | None:
        """When the next message of a queue becomes visible, or has become so; None: it is empty."""
        return min((one.visible_at for one in self._queues[url].messages), default=None)

    def retry_seconds(
        self, url: str, given_back: Callable[[int], float] = lambda _delivery: math.inf
    ) -> float:
        """How long a message is tried at least: maxReceiveCount - 1 pauses.

        Each is a visibility timeout, or as long as `given_back` says of the n-th delivery, where
        that is shorter.
        """
        queue = self._queues[url]
        tries = range(1, queue.most_receives or 1)
        return sum(min(queue.visibility, given_back(delivery)) for delivery in tries)

    def _queue(self, url: str, operation: str) -> Queue:
        queue = self._queues.get(url)
        if queue is None:
            raise refused(operation, "AWS.SimpleQueueService.NonExistentQueue")
        return queue

    def _give_up(self, queue: Queue, message: Message) -> None:
        queue.drop(message)
        letter = replace(message, gone=False, died_at=self._now(), visible_at=self._now())
        if queue.dead_letters is not None:
            self._queues[queue.dead_letters].messages.append(letter)

    def _copy(self, url: str, queue: Queue, message: Message) -> None:
        # It was not received itself: so it is given up no earlier than the message is.
        # Most often at once, while it is being worked on.
        latest = self._choices.among((1.0, 1.0, 2 * queue.visibility))
        after = self._choices.between(0, latest)
        queue.messages.append(replace(message, visible_at=self._now() + after))
        self.on_change(url)
