"""What a dead letter is about, and where it goes."""

import json
from typing import Any

import pytest

from cli.dlq.letters import About, Letter, about
from cli.dlq.routes import Back, Nowhere, ToItsTarget
from shared.events import JobDescribed, RunId, RunRequested, enclose
from shared.runs import commit_run_id, state_changed
from tests.samples import COMMIT, NAMES, REPOSITORY, RUN_ID, a_push, a_run, payload

STATUSES = Back("statuses", "https://sqs/statuses")
TARGETS = ToItsTarget({"arn:aws:sqs:eu-west-1:123456789012:statuses": STATUSES})


def letter(body: str = "{}", **attributes: str) -> Letter:
    return Letter.of(
        {
            "MessageId": "m-1",
            "ReceiptHandle": "r-1",
            "Body": body,
            "Attributes": {"SentTimestamp": "1795176000000", "ApproximateReceiveCount": "21"},
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": text}
                for name, text in attributes.items()
            },
        }
    )


def test_a_push_tells_its_commit_and_the_run_that_it_would_have_become() -> None:
    run_id = commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", COMMIT)

    assert about(letter(enclose(a_push())), NAMES.stack) == About(
        "CommitPushed", run_id, "team/churn-model", "main", COMMIT
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (RunRequested(run_id=RunId("r")), About("RunRequested", "r")),
        (JobDescribed(run_id=RunId("r"), attempt=1, job_id="j"), About("JobDescribed", "r")),
        (
            state_changed(a_run()),
            About("RunStateChanged", RUN_ID, "team/churn-model", "main", COMMIT),
        ),
    ],
)
def test_each_of_our_events_tells_its_run(event: Any, expected: About) -> None:
    assert about(letter(enclose(event)), NAMES.stack) == expected


def test_a_job_of_batch_tells_its_run_by_its_parameters() -> None:
    event = payload("aws/batch_events_derived/status_FAILED.json")
    event["detail"]["parameters"] = {
        "runId": "r",
        "workspaceName": "team",
        "repositoryName": "churn-model",
        "branchName": "main",
        "commitHash": COMMIT,
    }

    assert about(letter(json.dumps(event)), NAMES.stack) == About(
        "Batch Job State Change", "r", "team/churn-model", "main", COMMIT
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[]",
        "3",
        "null",
        '{"detail": 3, "detail-type": []}',
        '{"detail": {"run_id": 7}}',
    ],
)
def test_a_body_that_is_none_of_ours_is_about_nothing(body: str) -> None:
    assert about(letter(body), NAMES.stack) == About()


def test_a_message_without_system_attributes_is_read_all_the_same() -> None:
    bare = Letter.of({"MessageId": "m", "ReceiptHandle": "r", "Body": "{}"})

    assert (bare.sent_at, bare.receives, bare.trace, bare.told) == (None, 0, None, {})


def test_only_what_the_sender_says_about_the_delivery_is_told() -> None:
    told = letter(RULE_ARN="rule", ERROR_CODE="NO_PERMISSIONS", Authorization="Bearer s3cret").told

    assert told == {"RULE_ARN": "rule", "ERROR_CODE": "NO_PERMISSIONS"}


def test_an_undelivered_event_goes_to_the_queue_that_it_was_meant_for() -> None:
    there = TARGETS(letter(TARGET_ARN="arn:aws:sqs:eu-west-1:123456789012:statuses"))

    assert there == STATUSES


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("arn:aws:lambda:eu-west-1:123456789012:function:reconciler", "tick"),
        ("arn:aws:sns:eu-west-1:123456789012:failed-runs", "mail"),
        ("arn:aws:sqs:eu-west-1:999999999999:statuses", "no queue of this stack"),
        ("nonsense", "no queue of this stack"),
    ],
)
def test_an_undelivered_event_for_anything_else_goes_nowhere(target: str, why: str) -> None:
    there = TARGETS(letter(TARGET_ARN=target))

    assert isinstance(there, Nowhere)
    assert why in there.why


def test_a_letter_without_a_target_is_a_call_of_the_reconciler() -> None:
    there = TARGETS(letter(RequestID="1", ErrorCode="200", ErrorMessage="time out"))

    assert isinstance(there, Nowhere)
    assert "reconciler" in there.why
