"""What becomes of each message of a batch, and when a failed one comes again."""

import io
import json
import random
from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import pytest

from shared.consumer import MESSAGE_SECONDS, Consumer, backoff
from shared.errors import Rejected, Unavailable
from shared.events import Envelope, Event, RunId, RunRequested, enclose
from shared.settings import Settings
from shared.telemetry import configure
from tests.fakes import Outbox, refusal
from tests.samples import payload, template
from tests.unit.conftest import fresh_logging

EVENT = RunRequested(run_id=RunId("7" * 24))


class Delays:
    """The queue: remembers for how long each message stays away."""

    def __init__(self) -> None:
        self.seconds: dict[str, int] = {}
        self.broken = False

    def delay(self, receipt_handle: str, seconds: int) -> None:
        if self.broken:
            raise refusal("InternalError", 500, "ChangeMessageVisibility")
        self.seconds[receipt_handle] = seconds


class Hanging:
    """A function's time, in seconds, and a dependency that hangs for `each` of them."""

    def __init__(self, left: float, each: float) -> None:
        self.left = left
        self.tried = 0
        self._each = each

    def handle(self, _message: Envelope) -> Iterable[Event]:
        self.tried += 1
        self.left -= self._each
        raise Unavailable("hangs")

    def get_remaining_time_in_millis(self) -> int:
        return round(self.left * 1000)


def message(number: int, body: str | None = None, delivery: int = 1) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": enclose(EVENT) if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(delivery), "AWSTraceHeader": "Root=1-2"},
    }


def failing(*errors: Exception | None) -> Any:
    """A `handle` that raises these one after the other; None: it returns an event."""
    rest = iter(errors)

    def handle(_message: Envelope) -> Iterable[Event]:
        error = next(rest)
        if error is not None:
            raise error
        return [EVENT]

    return handle


def failed(response: Any) -> list[str]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_messages_that_are_done_are_acknowledged_and_their_events_are_published() -> None:
    outbox = Outbox()
    consumer = Consumer(failing(None, None), outbox, Delays())

    assert consumer({"Records": [message(1), message(2)]}) == {"batchItemFailures": []}
    assert outbox.events == [EVENT, EVENT]


def test_a_message_that_failed_is_given_back_alone() -> None:
    outbox = Outbox()
    consumer = Consumer(failing(None, Unavailable("away"), None), outbox, Delays())

    assert failed(consumer({"Records": [message(1), message(2), message(3)]})) == ["m2"]
    assert len(outbox.events) == 2


@pytest.mark.parametrize("error", [KeyError("a bug"), Rejected("nobody caught it")])
def test_a_bug_in_one_message_does_not_hold_up_its_batch(error: Exception) -> None:
    delays = Delays()
    consumer = Consumer(failing(error, None), Outbox(), delays)

    assert failed(consumer({"Records": [message(1), message(2)]})) == ["m1"]
    assert delays.seconds == {}


def test_a_message_whose_events_are_not_stored_is_not_done() -> None:
    outbox = Outbox()
    outbox.away = True

    assert failed(Consumer(failing(None), outbox, Delays())({"Records": [message(1)]})) == ["m1"]


@pytest.mark.parametrize("body", ["", "no json", "[]", "{}", '{"detail-type": "x"}', "\ud800"])
def test_a_body_that_is_no_event_of_ours_fails_alone(body: str) -> None:
    consumer = Consumer(failing(None), Outbox(), Delays())

    assert failed(consumer({"Records": [message(1, body), message(2)]})) == ["m1"]


@pytest.mark.parametrize(
    ("path", "failures"),
    [
        ("datadog_eventbridge_sqs", 0),
        ("derived_eventbridge_sqs_batch_failed", 0),
        ("lambdago_sqs_event", 1),
        ("java_sqs_event_nobody", 1),
        ("powertools_sqs_dlq_event", 1),
        ("powertools_sqs_event", 2),
    ],
)
def test_records_as_lambda_hands_them_over_are_read(path: str, failures: int) -> None:
    consumer = Consumer(lambda _message: [], Outbox(), Delays())

    assert len(failed(consumer(payload(f"aws/sqs/{path}.json")))) == failures


def test_a_dependency_that_asks_for_patience_gets_it() -> None:
    delays = Delays()
    consumer = Consumer(failing(Unavailable("429", retry_after=600)), Outbox(), delays)

    consumer({"Records": [message(1)]})

    assert 600 <= delays.seconds["r1"] <= 720


def test_the_delay_grows_with_each_delivery() -> None:
    delays = Delays()
    consumer = Consumer(failing(*[Unavailable("away")] * 3), Outbox(), delays)

    consumer({"Records": [message(n, delivery=n) for n in (1, 3, 50)]})

    assert 15 <= delays.seconds["r1"] <= 18
    assert 60 <= delays.seconds["r3"] <= 72
    assert 900 <= delays.seconds["r50"] <= 1080


@pytest.mark.parametrize(("each", "tried"), [(18, 1), (9, 2), (0.1, 10)])
def test_a_dependency_that_hangs_lets_no_message_of_the_batch_be_cut_off(
    each: float, tried: int
) -> None:
    delays, time = Delays(), Hanging(left=30, each=each)
    batch = {"Records": [message(n, delivery=n) for n in range(1, 11)]}

    response = Consumer(time.handle, Outbox(), delays)(batch, time)

    assert failed(response) == [f"m{n}" for n in range(1, 11)]
    assert time.tried == tried
    assert time.left > 0
    for n in range(1, 11):
        assert least(n) <= delays.seconds[f"r{n}"] <= least(n) * 1.2 + 1


def test_messages_that_are_done_stay_done_when_the_others_are_given_back_untried() -> None:
    outbox, time = Outbox(), Hanging(left=30, each=0)

    def slow(_message: Envelope) -> Iterable[Event]:
        time.left -= 6
        return [EVENT]

    response = Consumer(slow, outbox, Delays())({"Records": [message(n) for n in range(5)]}, time)

    assert failed(response) == ["m2", "m3", "m4"]
    assert len(outbox.events) == 2


def test_the_first_message_is_tried_however_little_time_is_left() -> None:
    time = Hanging(left=MESSAGE_SECONDS - 1, each=0)

    Consumer(time.handle, Outbox(), Delays())({"Records": [message(1), message(2)]}, time)

    assert time.tried == 1


def test_that_messages_were_given_back_untried_is_one_line_of_the_log() -> None:
    written = io.StringIO()
    fresh_logging()
    configure("parser", Settings(aws_region="eu-west-1"), written)
    time = Hanging(left=30, each=18)

    Consumer(time.handle, Outbox(), Delays())({"Records": [message(n) for n in range(10)]}, time)

    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    fresh_logging()
    told = [line for line in lines if line["event"] == "messages given back untried"]
    assert [line["messages"] for line in told] == [9]


def test_a_delay_that_cannot_be_set_leaves_the_message_to_its_visibility_timeout() -> None:
    delays = Delays()
    delays.broken = True
    consumer = Consumer(failing(Unavailable("away"), None), Outbox(), delays)

    assert failed(consumer({"Records": [message(1), message(2)]})) == ["m1"]


def least(delivery: int, retry_after: float | None = None) -> int:
    with patch.object(random, "uniform", lambda low, _high: low):
        return backoff(delivery, retry_after)


def test_backoff_is_15_30_and_so_on_up_to_15_minutes_with_a_fifth_at_random() -> None:
    bases = [15, 30, 60, 120, 240, 480, 900, 900]

    for delivery, base in enumerate(bases, 1):
        seen = {backoff(delivery) for _ in range(200)}
        assert base <= min(seen) <= max(seen) <= base * 1.2 + 1
        assert len(seen) > 1


@pytest.mark.parametrize("delivery", [0, 1, 1000, 10**9])
def test_backoff_stays_within_what_sqs_takes(delivery: int) -> None:
    assert 0 < least(delivery) <= 43_200
    assert backoff(delivery, 1e300) <= 3600 * 1.2 + 1


def queue(name: str) -> Any:
    return template()["Parameters"], template()["Resources"][name]["Properties"]


def window(properties: Any) -> int:
    """Seconds from the first failure to the dead-letter queue, at the least."""
    deliveries = properties["RedrivePolicy"]["maxReceiveCount"]
    return sum(least(delivery) for delivery in range(1, deliveries))


def test_a_status_is_tried_for_at_least_four_hours() -> None:
    _, properties = queue("StatusesQueue")

    assert window(properties) >= 4 * 3600
    assert properties["MessageRetentionPeriod"] > 5 * window(properties)


def test_requests_for_runs_are_tried_for_longer_than_any_lease() -> None:
    parameters, properties = queue("RunsQueue")

    assert window(properties) > 2 * parameters["LeaseSeconds"]["MaxValue"]
    assert parameters["LeaseSeconds"]["Default"] > 30 + 120


def test_who_sent_a_message_is_what_sqs_says_and_not_what_the_message_says() -> None:
    heard: list[str | None] = []

    def handle(envelope: Envelope) -> Iterable[Event]:
        heard.append(envelope.sender)
        return []

    told = message(1)
    told["attributes"]["SenderId"] = "AROAEXAMPLE:i-0a1"
    forged = message(2, enclose(EVENT).replace("{", '{"sender":"AROAEXAMPLE:i-0a1",', 1))

    assert failed(Consumer(handle, Outbox(), Delays())({"Records": [told, forged]})) == []
    assert heard == ["AROAEXAMPLE:i-0a1", None]
