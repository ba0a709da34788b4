"""How events are sent: in batches that AWS takes, and all of them or an error."""

import json
from typing import Any

import pytest

from shared.errors import Unavailable
from shared.events import CommitPushed, Event, RunRequested
from shared.publisher import Publisher
from shared.runs import state_changed
from tests.fakes import NO_ANSWER, refusal
from tests.samples import RUN_ID, a_push, a_run

LIMIT = 262_144


class Sqs:
    """SQS's client, with its limits."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[dict[str, Any]]]] = []
        self.failed: list[dict[str, str]] = []
        self.error: Exception | None = None

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - botocore's names
        if self.error:
            raise self.error
        assert 1 <= len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= LIMIT
        self.batches.append((QueueUrl, [json.loads(entry["MessageBody"]) for entry in Entries]))
        return {"Successful": [], "Failed": self.failed} if self.failed else {"Successful": []}


class EventBridge:
    """EventBridge's client, with its limits."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.calls: list[int] = []
        self.refused: int = 0

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - its name
        assert 1 <= len(Entries) <= 10
        # An entry's size is that of its source, its detail-type and its detail.
        size = sum(len(e["Source"] + e["DetailType"]) + len(e["Detail"].encode()) for e in Entries)
        assert size <= LIMIT
        self.calls.append(len(Entries))
        self.entries += Entries
        refused = [{"ErrorCode": "InternalFailure"}] * self.refused
        return {"FailedEntryCount": self.refused, "Entries": [{"EventId": "1"}, *refused]}


QUEUES: dict[type[Event], str] = {RunRequested: "runs", CommitPushed: "pushes"}


@pytest.fixture
def sqs() -> Sqs:
    return Sqs()


@pytest.fixture
def eventbridge() -> EventBridge:
    return EventBridge()


@pytest.fixture
def publisher(sqs: Sqs, eventbridge: EventBridge) -> Publisher:
    return Publisher(sqs=sqs, queues=QUEUES, eventbridge=eventbridge, bus="bus")


REQUESTED = RunRequested(run_id=RUN_ID)


def test_commands_travel_on_their_queues_and_facts_on_the_bus(
    publisher: Publisher, sqs: Sqs, eventbridge: EventBridge
) -> None:
    publisher.publish([state_changed(a_run()), REQUESTED, a_push()])

    assert [(url, [body["detail-type"] for body in bodies]) for url, bodies in sqs.batches] == [
        ("runs", ["RunRequested"]),
        ("pushes", ["CommitPushed"]),
    ]
    (entry,) = eventbridge.entries
    assert (entry["EventBusName"], entry["Source"]) == ("bus", "cloud-runner")
    assert entry["DetailType"] == "RunStateChanged"
    assert json.loads(entry["Detail"])["run_id"] == RUN_ID


def test_nothing_to_publish_calls_nobody(
    publisher: Publisher, sqs: Sqs, eventbridge: EventBridge
) -> None:
    publisher.publish([])

    assert (sqs.batches, eventbridge.calls) == ([], [])


@pytest.mark.parametrize(
    ("count", "batches"), [(1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])]
)
def test_a_batch_holds_ten_entries(
    publisher: Publisher, sqs: Sqs, eventbridge: EventBridge, count: int, batches: list[int]
) -> None:
    publisher.publish([REQUESTED, state_changed(a_run())] * count)

    assert [len(bodies) for _, bodies in sqs.batches] == batches
    assert eventbridge.calls == batches


@pytest.mark.parametrize("size", [100, 26_000, 26_214, 60_000, 130_000, 204_000])
def test_a_batch_stays_under_the_total_size(
    publisher: Publisher, sqs: Sqs, eventbridge: EventBridge, size: int
) -> None:
    large = a_push("\u2603" * (size // 3))

    publisher.publish([large, state_changed(a_run(reason="x" * size))] * 10)

    assert sum(len(bodies) for _, bodies in sqs.batches) == 10
    assert sum(eventbridge.calls) == 10


def test_what_stands_beside_the_text_of_an_entry_counts_as_well(
    publisher: Publisher, eventbridge: EventBridge
) -> None:
    # The reason is in the headline as well, which has an end.
    long = LIMIT // 20
    bare = len(state_changed(a_run(reason="x" * long)).detail())
    fact = state_changed(a_run(reason="x" * (LIMIT // 10 - bare + long)))
    assert 10 * len(fact.detail()) <= LIMIT

    publisher.publish([fact] * 10)

    assert sum(eventbridge.calls) == 10


def test_the_order_is_kept(publisher: Publisher, sqs: Sqs) -> None:
    publisher.publish([RunRequested(run_id=RUN_ID, attempt=n) for n in range(1, 26)])

    sent = [body["detail"]["attempt"] for _, bodies in sqs.batches for body in bodies]
    assert sent == list(range(1, 26))


def test_an_entry_that_the_queue_refuses_is_an_error(publisher: Publisher, sqs: Sqs) -> None:
    sqs.failed = [{"Id": "0", "Code": "InternalError"}]

    with pytest.raises(Unavailable, match="1 refused, the first with InternalError"):
        publisher.publish([REQUESTED])


def test_an_entry_that_the_bus_refuses_is_an_error(
    publisher: Publisher, eventbridge: EventBridge
) -> None:
    eventbridge.refused = 2

    with pytest.raises(Unavailable, match="2 refused, the first with InternalFailure"):
        publisher.publish([state_changed(a_run())])


@pytest.mark.parametrize(
    "error",
    [NO_ANSWER, refusal("ThrottlingException", 400), refusal("InternalError", 500)],
)
def test_a_queue_that_is_away_is_unavailable(
    publisher: Publisher, sqs: Sqs, error: Exception
) -> None:
    sqs.error = error

    with pytest.raises(Unavailable):
        publisher.publish([REQUESTED])


def test_a_queue_that_does_not_exist_is_a_bug_and_rises(publisher: Publisher, sqs: Sqs) -> None:
    sqs.error = refusal("QueueDoesNotExist", 400)

    with pytest.raises(Exception, match="QueueDoesNotExist") as error:
        publisher.publish([REQUESTED])
    assert not isinstance(error.value, Unavailable)


def test_an_event_for_which_there_is_no_place_is_refused_before_any_is_sent(sqs: Sqs) -> None:
    publisher = Publisher(sqs=sqs, queues=QUEUES)

    with pytest.raises(TypeError, match="publishing RunStateChanged"):
        publisher.publish([REQUESTED, state_changed(a_run())])
    assert sqs.batches == []
