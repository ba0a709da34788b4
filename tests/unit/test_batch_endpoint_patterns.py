"""Event patterns that are told here, and those that EventBridge is asked about."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import JsonValue

from local.batch.bus import DefaultBus
from local.batch.patterns import matches
from local.batch.shapes import Document
from tests.event_patterns import CASES, CHILD, NO_CHILDREN, PARENT, PLAIN


@pytest.mark.parametrize(("pattern", "event", "expected"), CASES)
def test_a_pattern_is_told_or_left_to_eventbridge(
    pattern: JsonValue, event: Document, expected: bool | None
) -> None:
    assert matches(pattern, event) is expected


@dataclass
class Aws:
    """EventBridge with one rule for one queue, and what it was asked to match."""

    pattern: str
    asked: list[str] = field(default_factory=list)

    def list_rules(self) -> Any:
        return {"Rules": [{"Name": "r", "State": "ENABLED", "EventPattern": self.pattern}]}

    def list_targets_by_rule(self, Rule: str) -> Any:  # noqa: N803 # boto3's own name
        return {"Targets": [{"Arn": "arn:aws:sqs:eu-west-1:123456789012:batch-events"}]}

    def get_queue_url(self, QueueName: str, QueueOwnerAWSAccountId: str) -> Any:  # noqa: N803 # same
        return {"QueueUrl": QueueName}

    def test_event_pattern(self, EventPattern: str, Event: str) -> Any:  # noqa: N803 # same
        self.asked.append(Event)
        return {"Result": True}


def test_a_childs_events_are_kept_away_without_a_call() -> None:
    aws = Aws(json.dumps(NO_CHILDREN))
    bus = DefaultBus(aws, aws, lambda: 0.0)

    assert bus.targets(CHILD) == []
    assert bus.targets(PARENT) == ["batch-events"]
    assert aws.asked == []


def test_a_pattern_that_is_not_told_here_is_asked_about() -> None:
    aws = Aws('{"detail": {"n": [{"numeric": [">", 3]}]}}')
    bus = DefaultBus(aws, aws, lambda: 0.0)

    assert bus.targets(PLAIN) == ["batch-events"]
    assert [json.loads(event) for event in aws.asked] == [PLAIN]
