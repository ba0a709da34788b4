"""What the models of SQS and EventBridge do where the platform leaves it open, if so chosen."""

from typing import Any

import pytest

from cli.dlq.routes import Back, ToItsSource
from tests.simulation.chosen import Chosen
from tests.simulation.models.beside_moto import outcome
from tests.simulation.models.eventbridge import DEFAULT_BUS, EventBridge
from tests.simulation.models.sqs import Sqs
from tests.simulation.operators import send_back

QUEUE, DEAD = "https://sqs.invalid/1/q", "https://sqs.invalid/1/dead"


def a_queue(chosen: Chosen) -> Sqs:
    sqs = chosen.make(Sqs)
    sqs.declare(DEAD)
    sqs.declare(QUEUE, visibility=30, most_receives=2, dead_letters=DEAD)
    return sqs


def send(sqs: Sqs, *bodies: str) -> dict[str, list[dict[str, Any]]]:
    entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
    return sqs.send_message_batch(QueueUrl=QUEUE, Entries=entries)


def test_a_copy_of_a_message_comes_although_it_was_deleted(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    chosen.on = {"delivered-twice"}
    (first,) = sqs.receive(QUEUE, 10)
    chosen.on = set()
    sqs.delete(QUEUE, [first["receiptHandle"]])
    chosen.now += 61
    (copy,) = sqs.receive(QUEUE, 10)

    assert copy["messageId"] == first["messageId"]
    sqs.delete(QUEUE, [copy["receiptHandle"]])
    assert not sqs.waiting(QUEUE)


def test_a_message_whose_deletion_is_lost_comes_again(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    chosen.on = {"delete-lost"}
    (first,) = sqs.receive(QUEUE, 10)
    sqs.delete(QUEUE, [first["receiptHandle"]])
    assert not sqs.receive(QUEUE, 10)
    chosen.now += 30
    (again,) = sqs.receive(QUEUE, 10)

    assert again["attributes"]["ApproximateReceiveCount"] == "2"


def test_a_message_that_was_deleted_may_come_again_hours_later(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    chosen.on = {"delivered-late"}
    (first,) = sqs.receive(QUEUE, 10)
    sqs.delete(QUEUE, [first["receiptHandle"]])
    chosen.now += 3 * 3600 - 1
    assert not sqs.receive(QUEUE, 10)
    chosen.now += 1
    (again,) = sqs.receive(QUEUE, 10)

    assert again["attributes"]["ApproximateReceiveCount"] == "2"


def test_an_older_receipt_deletes_nothing(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    (first,) = sqs.receive(QUEUE, 10)
    chosen.now += 30
    sqs.receive(QUEUE, 10)
    sqs.delete(QUEUE, [first["receiptHandle"]])

    assert len(sqs.waiting(QUEUE)) == 1


def test_a_message_can_only_be_given_back_while_it_is_in_flight(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    (record,) = sqs.receive(QUEUE, 10)

    def give_back(seconds: int) -> object:
        return outcome(
            lambda: sqs.change_message_visibility(
                QueueUrl=QUEUE, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=seconds
            )
        )

    assert give_back(43_201) == "InvalidParameterValue"
    assert give_back(5) == {}
    assert sqs.next_visible(QUEUE) == chosen.now + 5
    chosen.now += 5
    assert give_back(5) == "MessageNotInflight"
    sqs.delete(QUEUE, [record["receiptHandle"]])
    assert give_back(5) == "InvalidParameterValue"


def test_a_dead_letter_tells_when_it_was_sent_and_given_up_and_is_new_when_moved_back(
    chosen: Chosen,
) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    for _ in range(3):
        sqs.receive(QUEUE, 10)
        chosen.now += 30
    (letter,) = sqs.dead(QUEUE)

    assert letter.died_at is not None
    assert letter.died_at - letter.sent_at == 60 > sqs.retry_seconds(QUEUE) == 30
    assert not sqs.waiting(QUEUE)
    assert send_back(sqs, DEAD, ToItsSource(Back("a", QUEUE))) == 1
    (record,) = sqs.receive(QUEUE, 10)
    assert record["messageId"] != letter.id
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert not sqs.dead(QUEUE)


def test_some_messages_of_a_batch_are_refused_and_the_others_are_not(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    refused = send(sqs, "a", "\x00")
    chosen.on = {"partial"}
    failed = send(sqs, "b")

    assert [(one["Id"], one["SenderFault"]) for one in refused["Failed"]] == [("1", True)]
    assert [(one["Id"], one["SenderFault"]) for one in failed["Failed"]] == [("0", False)]
    assert [message.body for message in sqs.waiting(QUEUE)] == ["a"]


def test_whoever_polls_hears_of_every_message_that_may_be_visible_earlier(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    changed: list[str] = []
    sqs.on_change = changed.append
    send(sqs, "a")
    (record,) = sqs.receive(QUEUE, 10)
    sqs.change_message_visibility(
        QueueUrl=QUEUE, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=5
    )

    assert changed == [QUEUE, QUEUE]


def bridged(chosen: Chosen) -> tuple[EventBridge, Sqs]:
    sqs = a_queue(chosen)
    eventbridge = chosen.make(EventBridge, sqs)
    for bus in (DEFAULT_BUS, "ours"):
        eventbridge.rule(bus, bus, {"source": ["aws.batch", "cloud-runner"]}, QUEUE)
    return eventbridge, sqs


EVENT = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": {"jobId": "1"}}
ENTRY = {"EventBusName": "ours", "Source": "cloud-runner", "DetailType": "K", "Detail": "{}"}


@pytest.mark.parametrize(("fault", "times"), [("", 1), ("event-lost", 0), ("event-twice", 2)])
def test_what_batch_says_may_be_lost_and_may_come_twice(
    chosen: Chosen, fault: str, times: int
) -> None:
    eventbridge, sqs = bridged(chosen)
    chosen.on = {fault}
    eventbridge.deliver_aws(EVENT)
    chosen.settle()

    assert len(sqs.waiting(QUEUE)) == times


def test_what_putevents_has_accepted_is_never_lost(chosen: Chosen) -> None:
    eventbridge, sqs = bridged(chosen)
    chosen.on = {"event-lost", "delayed"}
    answer = eventbridge.put_events(Entries=[ENTRY, {**ENTRY, "Detail": "[]"}])
    chosen.settle()

    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1]["ErrorCode"] == "MalformedDetail"
    assert len(sqs.waiting(QUEUE)) == len(eventbridge.published) == 1


def test_an_event_that_is_refused_is_on_no_bus(chosen: Chosen) -> None:
    eventbridge, sqs = bridged(chosen)
    chosen.on = {"partial"}
    answer = eventbridge.put_events(Entries=[ENTRY])
    chosen.settle()

    assert answer["FailedEntryCount"] == 1
    assert not eventbridge.published
    assert not sqs.waiting(QUEUE)
