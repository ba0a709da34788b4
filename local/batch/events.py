"""Batch's own events: what EventBridge's default bus would carry about a job.

Shapes from the Batch user guide, "Batch events" and "Job queue blocked events". Batch sends none
for a submission. A job's tags are joined there by its ARN, as `resourceArn`.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from local.batch.arns import Account
from local.batch.arrays import with_index
from local.batch.shapes import Document


def state_change(account: Account, detail: Document, at: datetime) -> Document:
    """The event that a job has come into a state."""
    return _event("Batch Job State Change", account, [str(detail["jobArn"])], detail, at)


def queue_blocked(account: Account, detail: Document, at: datetime) -> Document:
    """The event that a RUNNABLE job at the head of its queue cannot start, and why."""
    resources = [str(detail["jobArn"]), str(detail["jobQueue"])]
    return _event("Batch Job Queue Blocked", account, resources, detail, at)


def _event(
    detail_type: str, account: Account, resources: list[str], detail: Document, at: datetime
) -> Document:
    tags = detail.get("tags")
    named = {"resourceArn": detail["jobArn"]} | (tags if isinstance(tags, dict) else {})
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "aws.batch",
        "account": account.id,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": account.region,
        "resources": [*resources],
        "detail": detail | {"tags": named},
    }


def of_children(event: Document, indexes: Iterable[int]) -> Document:
    """The events of children that are alike, from that of their form: one entry of the outbox."""
    return {"form": event, "indexes": [*indexes]}


def events_of(entry: Document) -> Iterator[Document]:
    """The events of an entry of the outbox; the same ones, whenever it is read."""
    match entry:
        case {"form": dict(form), "indexes": list(indexes)}:
            return (_of_child(form, int(str(index))) for index in indexes)
        case _:
            return iter((entry,))


def _of_child(form: Document, index: int) -> Document:
    detail = form["detail"]
    if not isinstance(detail, dict) or not isinstance(detail["tags"], dict):
        raise TypeError("not the event of a form")
    arn = with_index(str(detail["jobArn"]), index)
    return form | {
        "id": str(uuid.uuid5(uuid.UUID(str(form["id"])), str(index))),
        "resources": [arn],
        "detail": detail
        | {
            "jobArn": arn,
            "jobId": with_index(str(detail["jobId"]), index),
            "arrayProperties": {"index": index},
            "tags": detail["tags"] | {"resourceArn": arn},
        },
    }


class Announcer:
    """Makes the events of a change, as often as they are to be sent: usually once.

    `copies` says how often the next one is; a test makes it 0 (lost) or 2 (doubled).
    """

    def __init__(self, account: Account, copies: Callable[[], int]) -> None:
        self._account = account
        self._copies = copies

    def state_change(self, detail: Document) -> list[Document]:
        """The events about a job's new state."""
        return [state_change(self._account, detail, datetime.now(UTC))] * self._copies()

    def children_changed(self, form: Document, indexes: Iterable[int]) -> list[Document]:
        """The entry about the new state of children that are alike; of no events, none."""
        told = [index for index in indexes for _ in range(self._copies())]
        if not told:
            return []
        return [of_children(state_change(self._account, form, datetime.now(UTC)), told)]

    def queue_blocked(self, detail: Document) -> list[Document]:
        """The events about a job that cannot start."""
        return [queue_blocked(self._account, detail, datetime.now(UTC))] * self._copies()
