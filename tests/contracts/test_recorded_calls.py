"""The recorder that the command line's policies are compared with knows how IAM names things."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.contracts import recorded_calls
from tests.contracts.recorded_calls import IMAGE_PUSH, Call, recording, unknown
from tests.contracts.wiring import TEMPLATE, listed


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.Session(region_name="eu-west-1")


def test_every_call_of_a_sessions_clients_is_recorded(session: Any) -> None:
    with recording(session) as calls:
        sqs, s3 = session.client("sqs"), session.client("s3")
        url = sqs.create_queue(QueueName="runs")["QueueUrl"]
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}])
        with pytest.raises(s3.exceptions.NoSuchBucket):
            s3.list_objects_v2(Bucket="not-there")
        pages = session.client("logs").get_paginator("describe_log_groups").paginate()
        assert list(pages)

    assert calls.actions == {
        *("sqs:CreateQueue", "sqs:SendMessage", "s3:ListBucket", "logs:DescribeLogGroups")
    }


def test_nothing_is_recorded_after_the_block(session: Any) -> None:
    with recording(session) as calls:
        pass

    session.client("sqs").list_queues()

    assert calls.made == []


@pytest.mark.parametrize(
    ("call", "actions"),
    [
        (Call("monitoring", "DescribeAlarms"), {"cloudwatch:DescribeAlarms"}),
        (Call("s3", "HeadObject"), {"s3:GetObject"}),
        (Call("s3", "GetObject", {"VersionId": "1"}), {"s3:GetObjectVersion"}),
        (Call("sts", "GetCallerIdentity"), set()),
        (Call("cloudformation", "CreateStack"), {"cloudformation:CreateStack"}),
        (
            Call("cloudformation", "CreateStack", {"RoleARN": "arn"}),
            {"cloudformation:CreateStack", "iam:PassRole"},
        ),
        (
            Call("secretsmanager", "CreateSecret", {"Tags": [{}]}),
            {"secretsmanager:CreateSecret", "secretsmanager:TagResource"},
        ),
        (
            Call("batch", "SubmitJob", {"tags": {"a": "b"}}),
            {"batch:SubmitJob", "batch:TagResource"},
        ),
    ],
    ids=lambda one: one.operation if isinstance(one, Call) else "",
)
def test_a_call_needs_what_iam_calls_it(call: Call, actions: set[str]) -> None:
    assert call.actions == actions


def test_the_recorder_names_no_action_that_iam_has_not() -> None:
    also = [more for found in recorded_calls._ALSO.values() for more in found.values()]
    named = {*recorded_calls._NAMES.values(), *IMAGE_PUSH, *frozenset().union(*also)}

    assert not unknown(named)
    assert unknown({"s3:HeadObject", "monitoring:DescribeAlarms"}) == {
        *("s3:HeadObject", "monitoring:DescribeAlarms")
    }


def test_the_template_allows_no_action_that_iam_has_not() -> None:
    allowed = {
        action
        for statement in _statements(TEMPLATE)
        for action in listed(statement["Action"])
        if not action.endswith("*")
    }

    assert allowed
    assert not unknown(allowed)


def _statements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in value and "Action" in value:
            yield value
        for part in value.values():
            yield from _statements(part)
    elif isinstance(value, list):
        for part in value:
            yield from _statements(part)
