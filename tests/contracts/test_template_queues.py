"""No message is lost on the way: queues, their dead-letter queues, rules and their targets."""

import itertools
import random
from typing import Any

import pytest

from shared.consumer import MESSAGE_SECONDS, backoff
from tests.contracts.markdown import code, table
from tests.contracts.wiring import (
    PARAMETERS,
    PROJECT,
    RESOURCES,
    Function,
    functions,
    listed,
    of_type,
    points_to,
    properties,
    queue_name,
    queues,
    references,
    rules,
    working_queues,
)

FOUR_HOURS = 4 * 3600
MOST_RETENTION = 14 * 24 * 3600  # of SQS: API reference, SetQueueAttributes
READERS = [function for function in functions() if function.queue]
DLQ_ALARM = {
    "Namespace": "AWS/SQS",
    "MetricName": "ApproximateNumberOfMessagesVisible",
    "Statistic": "Maximum",
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}

UNREAD_ALARM = {
    "Namespace": "AWS/SQS",
    "Statistic": "Maximum",
    "ComparisonOperator": "GreaterThanThreshold",
}


def _dead_letter_queues() -> set[str]:
    return set(queues()) - set(working_queues())


def _retry_seconds(queue: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """From a message's first delivery to its last, without the random part."""
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.0)
    return sum(backoff(n) for n in range(1, queue["RedrivePolicy"]["maxReceiveCount"]))


@pytest.mark.parametrize("name", working_queues())
def test_a_working_queue_has_a_dead_letter_queue_of_its_own(name: str) -> None:
    target = points_to(working_queues()[name]["RedrivePolicy"]["deadLetterTargetArn"])

    assert target in _dead_letter_queues()
    assert queue_name(str(target)) == f"{queue_name(name)}-dlq"


@pytest.mark.parametrize("name", sorted(_dead_letter_queues()))
def test_a_dead_letter_queue_keeps_as_long_as_it_can_and_has_an_alarm(name: str) -> None:
    alarms = [
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if DLQ_ALARM.items() <= alarm.items() and name in references(alarm["Dimensions"])
    ]

    assert queue_name(name).endswith("-dlq")
    assert queues()[name]["MessageRetentionPeriod"] == MOST_RETENTION
    assert len(alarms) == 1
    assert alarms[0]["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}
    ]


@pytest.mark.parametrize("name", working_queues())
def test_a_queue_that_nobody_reads_has_an_alarm(name: str) -> None:
    alarms = [
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
        and alarm["Dimensions"]
        == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}]
    ]

    assert len(alarms) == 1
    assert UNREAD_ALARM.items() <= alarms[0].items()
    # Somebody has to have time to mend it before SQS deletes the messages.
    assert alarms[0]["Threshold"] * 10 < queues()[name]["MessageRetentionPeriod"]


@pytest.mark.parametrize("name", queues())
def test_a_queue_is_encrypted_and_named_after_the_stack(name: str) -> None:
    assert queues()[name]["SqsManagedSseEnabled"] is True
    assert set(references(queues()[name]["QueueName"])) == {"Environment", "Organization"}


@pytest.mark.parametrize("function", READERS, ids=lambda function: function.logical_id)
def test_a_message_stays_away_for_six_times_the_functions_timeout(function: Function) -> None:
    assert properties(str(function.queue))["VisibilityTimeout"] >= 6 * function.timeout


@pytest.mark.parametrize("function", READERS, ids=lambda function: function.logical_id)
def test_a_reader_gives_back_single_messages_and_is_limited_at_its_source(
    function: Function,
) -> None:
    source = function.source
    assert source is not None

    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # 2 is the least that Lambda takes: API reference, ScalingConfig.
    assert source["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.logical_id)
def test_no_function_reserves_concurrency(function: Function) -> None:
    # A throttled receive counts as a delivery, and ends in a dead-letter queue.
    assert "ReservedConcurrentExecutions" not in function.declared


def test_statuses_are_tried_for_four_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _retry_seconds(properties("StatusesQueue"), monkeypatch) >= FOUR_HOURS


def test_runs_are_tried_for_longer_than_any_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    window = _retry_seconds(properties("RunsQueue"), monkeypatch)

    # The message that waits behind a lease must come back at least once after it.
    assert window > PARAMETERS["LeaseSeconds"]["MaxValue"] + 900


def test_a_lease_outlasts_the_submitter() -> None:
    submitter = next(function for function in READERS if function.service == "submitter")

    assert PARAMETERS["LeaseSeconds"]["MinValue"] > submitter.timeout


def test_docs_tell_for_how_long_each_queue_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (PROJECT / "docs/architecture.md").read_text(encoding="utf-8")
    told = {code(row[0])[0]: float(row[5].split()[0]) for row in table(text, "Queue")}

    for name, queue in working_queues().items():
        hours = _retry_seconds(queue, monkeypatch) / 3600
        assert told[queue_name(name)] <= hours < told[queue_name(name)] + 0.1, name


def test_docs_tell_for_how_long_a_message_comes_again_that_no_function_gives_back() -> None:
    text = (PROJECT / "docs/architecture.md").read_text(encoding="utf-8")
    told = {code(row[0])[0]: row[6] for row in table(text, "Queue")}

    for name, queue in working_queues().items():
        pauses = queue["RedrivePolicy"]["maxReceiveCount"] - 1
        assert told[queue_name(name)] == f"{pauses * queue['VisibilityTimeout'] // 60} minutes"


@pytest.mark.parametrize("function", READERS, ids=lambda function: function.logical_id)
def test_a_batch_of_quick_messages_is_begun_to_its_end(function: Function) -> None:
    """The last is begun while there is time for one that hangs, after those before it."""
    source = function.source
    assert source is not None
    before = source["BatchSize"] - 1

    assert function.timeout >= MESSAGE_SECONDS + before  # a second each


@pytest.mark.parametrize("name", rules())
def test_what_a_rules_target_refuses_is_kept(name: str) -> None:
    for target in rules()[name]["Targets"]:
        assert points_to(target["DeadLetterConfig"]["Arn"]) in _dead_letter_queues()


def test_a_queue_takes_events_from_its_own_rules_only() -> None:
    allowed: dict[str, set[str]] = {}
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            sources = listed(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
            allowed[str(points_to(statement["Resource"]))] = set(map(str, map(points_to, sources)))
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Action"] == "sqs:SendMessage"
            assert [points_to(queue) for queue in policy["Queues"]] == [
                points_to(statement["Resource"])
            ]
    needed: dict[str, set[str]] = {}
    for name, target in itertools.chain.from_iterable(
        ((name, target) for target in rule["Targets"]) for name, rule in rules().items()
    ):
        for receiver in (target["Arn"], target["DeadLetterConfig"]["Arn"]):
            if points_to(receiver) in queues():
                needed.setdefault(str(points_to(receiver)), set()).add(name)

    assert allowed == needed


def test_a_topic_takes_messages_from_its_own_senders_only() -> None:
    for policy in of_type("AWS::SNS::TopicPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Action"] == "sns:Publish"
            # EventBridge takes no condition, neither here nor in the policy of the topic's key.
            sender = statement["Principal"]["Service"]
            assert ("Condition" in statement) == (sender != "events.amazonaws.com")
            assert points_to(statement["Resource"]) == points_to(policy["Topics"][0])


def test_what_is_called_without_waiting_has_a_dead_letter_queue() -> None:
    called = {
        str(points_to(target["Arn"])) for rule in rules().values() for target in rule["Targets"]
    }
    asynchronous = [function for function in functions() if function.logical_id in called]

    assert asynchronous
    for function in asynchronous:
        kept = function.declared["DeadLetterQueue"]
        assert points_to(kept["TargetArn"]) in _dead_letter_queues()


def test_everything_on_the_bus_is_archived() -> None:
    archives = of_type("AWS::Events::Archive").values()

    assert [points_to(archive["SourceArn"]) for archive in archives] == ["EventBus"]
    assert all("EventPattern" not in archive for archive in archives)


def test_what_holds_records_and_secrets_outlives_the_stack() -> None:
    kinds = {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"}
    kept = [one for one in RESOURCES.values() if one["Type"] in kinds]

    assert len(kept) == 4
    for one in kept:
        # A first deployment that fails leaves none behind for the second to stumble over.
        assert one["DeletionPolicy"] == "RetainExceptOnCreate"
        assert one["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", working_queues())
def test_a_dead_letter_queue_takes_from_its_own_queue_only(name: str) -> None:
    target = str(points_to(working_queues()[name]["RedrivePolicy"]["deadLetterTargetArn"]))
    allowed = properties(target)["RedriveAllowPolicy"]

    assert allowed["redrivePermission"] == "byQueue"
    (arn,) = allowed["sourceQueueArns"]
    assert arn["Fn::Sub"].rpartition(":")[2] == properties(name)["QueueName"]["Fn::Sub"]


def test_eventbridge_may_use_the_mails_key_without_a_condition() -> None:
    """With one, SNS refuses what EventBridge publishes (SNS developer guide, key management)."""
    (key,) = of_type("AWS::KMS::Key").values()
    told = {
        statement["Principal"].get("Service"): "Condition" in statement
        for statement in key["KeyPolicy"]["Statement"]
    }

    assert told == {
        None: False,
        "events.amazonaws.com": False,
        "cloudwatch.amazonaws.com": True,
    }
