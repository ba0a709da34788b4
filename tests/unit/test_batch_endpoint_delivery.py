"""Events on their way from the outbox to the queues, with fakes of the bus and of SQS."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.batch.arns import Account
from local.batch.delivery import Away, Delivery
from local.batch.events import Announcer, of_children, queue_blocked, state_change
from local.batch.faults import Faults, Orders, SubmitFault, SubmitMode
from local.batch.shapes import Document

ACCOUNT = Account("123456789012", "eu-west-1")
DETAIL: Document = {
    "jobArn": "arn:aws:batch:eu-west-1:123456789012:job/j",
    "jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/q",
    "status": "RUNNABLE",
    "tags": {"team": "a"},
}
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
# For what comes at once, unless the machine is busy.
_PATIENCE_SECONDS = 60


@dataclass
class Mailbox:
    """An outbox in memory."""

    waiting: list[tuple[int, Document]]
    posted: threading.Event = field(default_factory=threading.Event)
    empty: threading.Event = field(default_factory=threading.Event)

    def outbox(self, limit: int) -> list[tuple[int, Document]]:
        if not self.waiting:
            self.empty.set()
        return self.waiting[:limit]

    def delivered(self, positions: Sequence[int]) -> None:
        self.waiting = [one for one in self.waiting if one[0] not in positions]


class EveryQueue:
    """A bus with one rule that matches everything, for two queues."""

    def targets(self, event: Document) -> list[str]:
        return ["first", "second"]


@dataclass
class Sqs:
    """SQS that is away or refuses a part for its first calls."""

    troubles: Iterator[Away | list[int]] = field(default_factory=lambda: iter(()))
    got: dict[str, list[int]] = field(default_factory=lambda: {"first": [], "second": []})

    def send(self, queue_url: str, bodies: Sequence[str]) -> list[int]:
        trouble = next(self.troubles, [])
        if isinstance(trouble, Away):
            raise trouble
        numbers = [json.loads(body)["n"] for body in bodies]
        self.got[queue_url] += [n for i, n in enumerate(numbers) if i not in trouble]
        return trouble


def emptied(mailbox: Mailbox, sqs: Sqs) -> None:
    delivery = Delivery(mailbox, EveryQueue(), sqs)
    delivery.start()
    assert mailbox.empty.wait(_PATIENCE_SECONDS)
    delivery.stop(_PATIENCE_SECONDS)


def test_every_event_reaches_every_queue_in_order() -> None:
    sqs = Sqs()
    emptied(Mailbox([(n, {"n": n}) for n in range(25)]), sqs)

    assert sqs.got == {"first": list(range(25)), "second": list(range(25))}


def test_events_wait_while_the_endpoint_is_away() -> None:
    sqs = Sqs(iter([Away("connection refused"), Away("connection refused")]))
    emptied(Mailbox([(n, {"n": n}) for n in range(3)]), sqs)

    assert sqs.got == {"first": [0, 1, 2], "second": [0, 1, 2]}


def test_a_batch_that_is_taken_in_part_goes_again_and_ends_with_the_newest() -> None:
    sqs = Sqs(iter([[1]]))
    emptied(Mailbox([(n, {"n": n}) for n in range(3)]), sqs)

    assert sqs.got["first"] == [0, 2, 0, 1, 2]


def test_an_entry_of_ten_thousand_children_is_sent_in_its_place() -> None:
    sqs, size = Sqs(), 10_000
    form = state_change(ACCOUNT, DETAIL | {"jobId": "j:*", "jobArn": "arn:j:*"}, AT) | {"n": 1}
    entries: list[Document] = [{"n": 0}, of_children(form, range(size)), {"n": 2}]
    emptied(Mailbox(list(enumerate(entries))), sqs)

    assert sqs.got["first"] == [0, *[1] * size, 2]


def test_a_state_change_looks_as_batch_sends_it() -> None:
    event = state_change(ACCOUNT, DETAIL, AT)

    assert event == {
        "version": "0",
        "id": event["id"],
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": "123456789012",
        "time": "2026-01-02T03:04:05Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:batch:eu-west-1:123456789012:job/j"],
        "detail": DETAIL | {"tags": {"resourceArn": DETAIL["jobArn"], "team": "a"}},
    }


def test_a_blocked_queue_is_named_after_its_job() -> None:
    event = queue_blocked(ACCOUNT, DETAIL, AT)

    assert event["detail-type"] == "Batch Job Queue Blocked"
    assert event["resources"] == [DETAIL["jobArn"], DETAIL["jobQueue"]]


def test_a_doubled_event_is_the_same_event_twice() -> None:
    faults = Faults()
    faults.order(Orders(duplicate_events=True))
    first, second = Announcer(ACCOUNT, faults.copies_of_event).state_change(DETAIL)

    assert first["id"] == second["id"]


def test_events_are_lost_as_often_as_ordered() -> None:
    faults = Faults()
    faults.order(Orders(drop_events=2))

    assert [faults.copies_of_event() for _ in range(3)] == [0, 0, 1]
    faults.order(Orders(drop_events=True))
    assert [faults.copies_of_event() for _ in range(3)] == [0, 0, 0]


def test_an_order_leaves_the_troubles_alone_that_it_does_not_name() -> None:
    faults = Faults()
    faults.order(Orders(submit=SubmitFault(mode=SubmitMode.ERROR)))
    faults.order(Orders(duplicate_events=True))

    assert [faults.of_submit(), faults.of_submit()] == [SubmitFault(mode=SubmitMode.ERROR), None]
