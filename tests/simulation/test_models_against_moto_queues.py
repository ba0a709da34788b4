"""The model of SQS, and EventBridge's patterns, against moto's.

Left out is where moto is known to differ from SQS: it deletes by an old receipt as well, takes a
timeout for a message that is not in flight, and counts twelve hours of it since the sending.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from moto.events.models import EventPattern

from tests.contracts import wiring
from tests.samples import GPU_JOB_QUEUE, JOB_QUEUE, NOW
from tests.simulation import names
from tests.simulation.models.beside_moto import moto_client, outcome
from tests.simulation.models.declared import declare_rules
from tests.simulation.models.eventbridge import EventBridge
from tests.simulation.models.ports import Benign
from tests.simulation.models.sqs import Sqs

VISIBILITY, MOST_RECEIVES = 30, 2
URL, DEAD = "https://sqs.invalid/1/q", "https://sqs.invalid/1/dead"
TIMES = ("SentTimestamp", "ApproximateFirstReceiveTimestamp")


@dataclass
class Queues:
    """A queue with a dead-letter queue in the model and in moto, and the receipts of both."""

    moto: Any
    moto_url: str
    moto_dead: str
    clock: time_machine.Traveller
    now: float = NOW.timestamp()
    receipts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = Sqs(lambda: self.now, Benign(), lambda _seconds, _act, _label: None)
        self.model.declare(DEAD)
        self.model.declare(
            URL, visibility=VISIBILITY, most_receives=MOST_RECEIVES, dead_letters=DEAD
        )

    def pass_by(self, seconds: float) -> None:
        """Let time pass: a little more than that, so that nothing is visible at the very moment."""
        self.now += seconds + 1 / 64
        self.clock.move_to(self.now)

    def send(self, entries: list[dict[str, Any]]) -> None:
        one = outcome(lambda: self.model.send_message_batch(QueueUrl=URL, Entries=entries))
        other = outcome(
            lambda: self.moto.send_message_batch(QueueUrl=self.moto_url, Entries=entries)
        )
        assert accepted(one) == accepted(other)

    def receive(self, most: int) -> None:
        records = self.model.receive(URL, most)
        answer = self.moto.receive_message(
            QueueUrl=self.moto_url, MaxNumberOfMessages=most, AttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        assert [told(one["body"], one["attributes"]) for one in records] == [
            told(one["Body"], one["Attributes"]) for one in messages
        ]
        assert [told_times(one["attributes"]) for one in records] == [
            # moto's milliseconds are those of a float.
            pytest.approx(told_times(one["Attributes"]), abs=1)
            for one in messages
        ]
        pairs = zip(records, messages, strict=True)
        self.receipts += [(one["receiptHandle"], other["ReceiptHandle"]) for one, other in pairs]

    def receive_later(self, seconds: int) -> None:
        self.pass_by(seconds)
        self.receive(10)

    def delete(self, place: int) -> None:
        """Delete by a receipt, if it is the latest of its message."""
        if not self.receipts:
            return
        one, other = self.receipts[place % len(self.receipts)]
        latest = {message.receipt for message in self.model.waiting(URL)}
        if one in latest:
            self.model.delete(URL, [one])
            self.moto.delete_message(QueueUrl=self.moto_url, ReceiptHandle=other)

    def give_back(self, place: int, seconds: int) -> None:
        """Change how long a message in flight stays away, by any receipt of it."""
        if not self.receipts:
            return
        one, other = self.receipts[place % len(self.receipts)]
        in_flight = {
            message.id for message in self.model.waiting(URL) if message.visible_at > self.now
        }
        if one.partition("-")[0] in in_flight:
            timeout = {"VisibilityTimeout": seconds}
            self.model.change_message_visibility(QueueUrl=URL, ReceiptHandle=one, **timeout)
            self.moto.change_message_visibility(
                QueueUrl=self.moto_url, ReceiptHandle=other, **timeout
            )

    def hold_the_same(self) -> None:
        """See that both have given up the same messages, and that as many are left."""
        self.pass_by(0)
        answer = self.moto.receive_message(QueueUrl=self.moto_dead, MaxNumberOfMessages=10)
        letters = [letter["Body"] for letter in answer.get("Messages", [])]
        assert [letter.body for letter in self.model.dead(URL)[:10]] == letters
        for url, moto_url in ((URL, self.moto_url), (DEAD, self.moto_dead)):
            left = counted(self.model, url)
            assert sum(left) == len(self.model.waiting(url))
            # moto takes a message for one in flight that is about to be given up.
            assert sum(left) == sum(counted(self.moto, moto_url))


def counted(sqs: Any, url: str) -> list[int]:
    """The messages that can be received, those that were, and those that are delayed."""
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return [int(told[name]) for name in names]


def accepted(answer: Any) -> Any:
    """The ids that were accepted and refused, or how the whole was refused."""
    if not isinstance(answer, dict):
        return answer
    failed = {one["Id"]: one["SenderFault"] for one in answer.get("Failed", [])}
    return {one["Id"] for one in answer.get("Successful", [])}, failed


def told(body: str, attributes: dict[str, str]) -> tuple[str, str]:
    return body, attributes["ApproximateReceiveCount"]


def told_times(attributes: dict[str, str]) -> list[int]:
    return [int(attributes[name]) for name in TIMES]


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    with moto_client("sqs") as client:
        yield client


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "Id": st.sampled_from([*"0123456789abc"]),
            "MessageBody": st.sampled_from(["a", "b", "c"]),
        },
        optional={"DelaySeconds": st.sampled_from([0, 5, 901])},
    ),
    max_size=12,
    unique_by=lambda entry: entry["Id"],
)
A = {"Id": "1", "MessageBody": "a"}
OPERATIONS = st.one_of(
    st.tuples(st.just("send"), ENTRIES),
    st.tuples(st.just("receive"), st.integers(1, 10)),
    st.tuples(st.just("receive_later"), st.sampled_from([10, 40])),
    st.tuples(st.just("receive_later"), st.sampled_from([10, 40])),
    st.tuples(st.just("delete"), st.integers(0, 20)),
    st.tuples(st.just("give_back"), st.integers(0, 20), st.sampled_from([0, 7, 60])),
    st.tuples(st.just("pass_by"), st.sampled_from([1, 10, 40])),
)


@settings(max_examples=60, deadline=None)
@given(operations=st.lists(OPERATIONS, min_size=3, max_size=20))
@example([("send", [A]), *[("receive_later", 40)] * 3])
@example([("send", [A]), ("receive", 1), ("give_back", 0, 7), ("receive_later", 10)])
def test_messages_come_come_again_and_are_given_up_alike(
    moto: Any, operations: list[tuple[Any, ...]]
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        dead = moto.create_queue(QueueName="dead")["QueueUrl"]
        redrive = {
            "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead",
            "maxReceiveCount": MOST_RECEIVES,
        }
        settled = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": json.dumps(redrive)}
        url = moto.create_queue(QueueName="q", Attributes=settled)["QueueUrl"]
        queues = Queues(moto, url, dead, clock)
        try:
            for name, *arguments in operations:
                getattr(queues, name)(*arguments)
                queues.pass_by(0)
            queues.hold_the_same()
        finally:
            moto.delete_queue(QueueUrl=url)
            moto.delete_queue(QueueUrl=dead)


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"Id": "1", "MessageBody": "a"}] * 2,
        [{"Id": str(number), "MessageBody": "a"} for number in range(11)],
        [{"Id": str(number), "MessageBody": "a" * 130_000} for number in range(10)],
    ],
    ids=["empty", "an id twice", "eleven", "too long"],
)
def test_a_batch_that_sqs_does_not_take_is_refused_as_a_whole(
    moto: Any, entries: list[dict[str, str]]
) -> None:
    url = moto.create_queue(QueueName="other")["QueueUrl"]
    model = Sqs(NOW.timestamp, Benign(), lambda _seconds, _act, _label: None)
    model.declare(URL)

    refused = outcome(lambda: model.send_message_batch(QueueUrl=URL, Entries=entries))
    assert refused == outcome(lambda: moto.send_message_batch(QueueUrl=url, Entries=entries))


# ---- EventBridge ---------------------------------------------------------------------------------

DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "jobQueue": st.sampled_from([JOB_QUEUE, GPU_JOB_QUEUE, "arn:theirs"]),
        "status": st.sampled_from(["SUBMITTED", "PENDING", "RUNNING", "FAILED"]),
        "arrayProperties": st.sampled_from(
            [{}, {"size": 2}, {"index": 0}, {"size": 2, "index": 1}]
        ),
    },
)
# The targets that are queues of ours; what a failed run tells people goes to a topic.
TO_QUEUES = ("batch-events", "batch-blocked", "statuses")
EVENTS = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["aws.batch", "cloud-runner"]),
        "detail-type": st.sampled_from(
            ["Batch Job State Change", "Batch Job Queue Blocked", "RunStateChanged", "RunRequested"]
        ),
        "detail": DETAILS,
    }
)


@settings(max_examples=150, deadline=None)
@given(event=EVENTS)
def test_each_event_goes_where_the_rules_patterns_say(event: Any) -> None:
    sqs = Sqs(NOW.timestamp, Benign(), lambda _seconds, _act, _label: None)
    eventbridge = EventBridge(NOW.timestamp, Benign(), lambda _seconds, act, _label: act(), sqs)
    for name in wiring.queues():
        sqs.declare(names.ref(name))
    declare_rules(eventbridge)
    ours = event["source"] == "cloud-runner"
    if ours:
        entry = {
            "EventBusName": names.ref("EventBus"),
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
        }
        eventbridge.put_events(Entries=[entry])
    else:
        eventbridge.deliver_aws(event)
    wanted = [
        names.text(rule["Targets"][0]["Arn"])
        for rule in wiring.rules().values()
        if "EventPattern" in rule and rule["Targets"][0]["Id"] in TO_QUEUES
        if ("EventBusName" in rule) is ours
        if EventPattern(None, names.value(rule["EventPattern"])).matches_event(event)
    ]
    got = [
        names.get_att(name, "Arn") for name in wiring.queues() for _ in sqs.waiting(names.ref(name))
    ]

    assert sorted(got) == sorted(wanted)
