"""An array's events on the embedded AWS' default bus, and what that says of patterns."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from local import aws
from local.batch.shapes import Document
from local.layout import StateDir
from tests.event_patterns import CASES
from tests.integration.batch_endpoint import RunningEndpoint, started, wait_for
from tests.integration.embedded_s3 import emulator

NO_CHILDREN = {"arrayProperties": {"index": [{"exists": False}]}}


@dataclass(frozen=True)
class Bus:
    """EventBridge and SQS of the embedded AWS."""

    url: str
    events: Any
    sqs: Any

    def rule(self, name: str, detail: dict[str, Any]) -> None:
        """A rule for Batch's events, and the queue that they go to."""
        self.sqs.create_queue(QueueName=name)
        pattern = {"source": ["aws.batch"], **({"detail": detail} if detail else {})}
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        arn = f"arn:aws:sqs:{aws.REGION}:{aws.ACCOUNT}:{name}"
        self.events.put_targets(Rule=name, Targets=[{"Id": name, "Arn": arn}])

    def received(self, name: str) -> list[Any]:
        """The events that are in a queue now; they are taken out of it."""
        url, found = self.sqs.get_queue_url(QueueName=name)["QueueUrl"], []
        while some := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [json.loads(one["Body"]) for one in some]
            # Or they would be there again after half a minute.
            for one in some:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    state = StateDir(tmp_path_factory.mktemp("aws"))
    state.aws.mkdir(parents=True, exist_ok=True)
    part, url = emulator(state)
    bus = Bus(url, aws.client("events", url), aws.client("sqs", url))
    try:
        bus.rule("every-event", {})
        bus.rule("no-children", NO_CHILDREN)
        yield bus
    finally:
        bus.events.close()
        bus.sqs.close()
        part.end()


@pytest.fixture
def endpoint(bus: Bus, tmp_path: Path) -> Iterator[RunningEndpoint]:
    with started(tmp_path, "--slots=2", aws_endpoint_url=bus.url) as endpoint:
        yield endpoint


def test_a_rule_without_children_gets_the_parents_events_alone(
    bus: Bus, endpoint: RunningEndpoint
) -> None:
    endpoint.define(["true"])
    parent_id = endpoint.submit(arrayProperties={"size": 12})
    every: list[Any] = []
    of_parent: list[Any] = []

    def all_came() -> bool:
        every.extend(bus.received("every-event"))
        of_parent.extend(bus.received("no-children"))
        return len(every) >= 2 + 12 * 4 and len(of_parent) >= 2

    wait_for(all_came)
    of_children = [one["detail"] for one in every if one["detail"]["jobId"] != parent_id]
    states = [one["status"] for one in of_children if one["arrayProperties"] == {"index": 7}]

    assert [one["detail"]["status"] for one in of_parent] == ["PENDING", "SUCCEEDED"]
    assert {one["detail"]["jobId"] for one in of_parent} == {parent_id}
    assert states == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert len({one["id"] for one in every}) == len(every) == 2 + 12 * 4


@pytest.mark.parametrize(
    ("pattern", "event", "told"), [case for case in CASES if case[2] is not None]
)
def test_what_the_endpoint_tells_of_a_pattern_is_what_eventbridge_says(
    bus: Bus, pattern: JsonValue, event: Document, told: bool
) -> None:
    whole = event | {
        "id": "1",
        "account": aws.ACCOUNT,
        "region": aws.REGION,
        "time": "2026-01-02T03:04:05Z",
    }
    answer = bus.events.test_event_pattern(
        EventPattern=json.dumps(pattern), Event=json.dumps(whole)
    )

    assert answer["Result"] is told
