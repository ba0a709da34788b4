"""`cloud-runner dlq` on moto's SQS, as a person types it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.account import AccountError
from cli.dlq.commands import dlq
from cli.dlq.queues import KINDS
from shared.events import RunId, RunRequested, SweepDue, enclose
from shared.runs import state_changed
from tests.fakes import refusal
from tests.integration.command_line import ROOT, Here, account
from tests.samples import COMMIT, RUN_ID, a_push, a_run

ARN = "arn:aws:sqs:eu-west-1:123456789012:"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """An account with the stack's queues, on an SQS that has one server to ask."""
    monkeypatch.setattr("cli.dlq.queues._WAIT_SECONDS", 0)
    with account(monkeypatch) as here:
        sqs = here.client("sqs")
        outputs = {}
        for kind in KINDS.values():
            outputs[kind.output] = sqs.create_queue(QueueName=f"{kind.name}-dlq")["QueueUrl"]
            if kind.source is not None:
                outputs[kind.source] = sqs.create_queue(QueueName=kind.name)["QueueUrl"]
        here.stacks.deploy(ROOT, outputs)
        yield here


def url(here: Here, queue: str) -> str:
    found: str = here.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    return found


def die(here: Here, queue: str, body: str, trace: str | None = None, **attributes: str) -> str:
    """Put a message on a dead-letter queue; its id."""
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}} if trace else {}
    sent = here.client("sqs").send_message(
        QueueUrl=url(here, f"{queue}-dlq"),
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
        },
        MessageSystemAttributes=system,
    )
    message_id: str = sent["MessageId"]
    return message_id


def received(here: Here, queue: str) -> list[dict[str, Any]]:
    """What is to be seen on a queue."""
    answer = here.client("sqs").receive_message(
        QueueUrl=url(here, queue),
        MaxNumberOfMessages=10,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def test_a_stack_without_dead_letters_says_so(here: Here) -> None:
    shown = here.run(dlq, "list")

    assert shown.exit_code == 0
    assert shown.output.splitlines()[0].split()[:2] == ["NAME", "MESSAGES"]
    assert [line.split()[:4] for line in shown.output.splitlines()[1 : len(KINDS) + 1]] == [
        [name, "0", "0", "-"] for name in KINDS
    ]
    assert "nothing is dead" in shown.output


def test_dead_letters_are_counted_with_the_next_command(here: Here) -> None:
    die(here, "statuses", enclose(state_changed(a_run())))
    shown = here.run(dlq, "list")

    assert "cloud-runner dlq show statuses" in shown.output
    assert "cloud-runner dlq redrive statuses" in shown.output
    assert shown.exit_code == 0


def test_the_list_for_programs_tells_the_age_where_cloudwatch_knows_it(here: Here) -> None:
    die(here, "runs", "{}")
    here.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": "runs-dlq"}],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=2),
                "Value": 7200,
            }
        ],
    )
    told = {one["name"]: one for one in json.loads(here.run(dlq, "list", "--json").output)}

    assert told["runs"]["messages"] == 1
    assert told["runs"]["oldest_seconds"] == 7200
    assert told["pushes"]["oldest_seconds"] is None


def test_who_may_not_ask_cloudwatch_gets_the_counts_all_the_same(here: Here) -> None:
    class Refusing:
        def get_metric_data(self, **_: Any) -> None:
            raise refusal("AccessDenied", 403, "GetMetricData")

    here.clients["cloudwatch"] = Refusing()
    die(here, "runs", "{}")
    shown = here.run(dlq, "list")

    assert shown.exit_code == 0
    assert shown.output.splitlines()[2].split()[:4] == ["runs", "1", "0", "?"]


def test_a_letter_is_shown_with_what_it_is_about_and_stays(here: Here) -> None:
    message_id = die(here, "statuses", enclose(state_changed(a_run())))
    shown = [here.run(dlq, "show", "statuses").output for _ in range(2)]

    for text in (message_id, "RunStateChanged", RUN_ID, "team/churn-model", "main", COMMIT):
        assert text in shown[0]
    assert "received    1 time\n" in shown[0]
    assert "received    2 times" in shown[1]
    assert [one["MessageId"] for one in received(here, "statuses-dlq")] == [message_id]


def test_bodies_are_shown_when_asked_for_and_cannot_drive_the_terminal(here: Here) -> None:
    die(here, "pushes", enclose(a_push("Модель \x1b[2J\x9b2J\n\n:ACME_RUN: s3cret-argument")))
    without = here.run(dlq, "show", "pushes").output
    shown = here.run(dlq, "show", "pushes", "--body").output

    assert "s3cret-argument" not in without
    assert "s3cret-argument" in shown
    assert "Модель" in shown
    assert "\x1b" not in shown
    assert "\x9b" not in shown


def test_show_is_for_programs_too(here: Here) -> None:
    die(
        here, "undelivered", "{}", RULE_ARN="rule", TARGET_ARN="target", ERROR_CODE="NO_PERMISSIONS"
    )
    (told,) = json.loads(here.run(dlq, "show", "undelivered", "--json", "--body").output)

    assert told["delivery"] == {
        "RULE_ARN": "rule",
        "TARGET_ARN": "target",
        "ERROR_CODE": "NO_PERMISSIONS",
    }
    assert told["body"] == {}
    assert told["receive_count"] == 1


def test_no_more_are_shown_than_asked_for(here: Here) -> None:
    for number in range(15):
        die(here, "runs", enclose(RunRequested(run_id=RunId(f"run-{number}"))))
    shown = here.run(dlq, "show", "runs", "--limit", "3").output

    assert shown.count("message ") == 3
    assert "3 of about 15 shown" in shown
    assert len(received(here, "runs-dlq")) == 10


def test_an_empty_queue_is_shown_as_empty(here: Here) -> None:
    assert "no dead letters of runs" in here.run(dlq, "show", "runs").output
    assert "no dead letters of runs" in here.run(dlq, "redrive", "runs").output


def test_a_redrive_moves_every_letter_with_its_attributes_and_its_trace(here: Here) -> None:
    for number in range(23):
        body = enclose(RunRequested(run_id=RunId(f"run-{number}")))
        die(here, "runs", body, trace=TRACE, note=str(number))
    shown = here.run(dlq, "redrive", "runs", "--yes")
    there = [one for _ in range(5) for one in received(here, "runs")]

    assert shown.exit_code == 0
    assert "23 sent back; dead letters of runs now: about 0" in shown.output
    assert len(there) == 23
    assert {one["MessageAttributes"]["note"]["StringValue"] for one in there} == {
        str(number) for number in range(23)
    }
    assert {one["Attributes"]["AWSTraceHeader"] for one in there} == {TRACE}
    assert received(here, "runs-dlq") == []


def test_a_redrive_leaves_out_how_many_functions_a_letter_went_through(here: Here) -> None:
    die(here, "sweeps", enclose(SweepDue(run_id=RunId("run-1"))), trace=f"{TRACE};Lineage=2:a87:16")
    die(here, "sweeps", enclose(SweepDue(run_id=RunId("run-2"))), trace="Lineage=2:a87:16")
    here.run(dlq, "redrive", "sweeps", "--yes")
    there = received(here, "sweeps")

    assert {one["Attributes"].get("AWSTraceHeader") for one in there} == {TRACE, None}


def test_a_redrive_asks_and_a_no_leaves_everything(here: Here) -> None:
    die(here, "runs", "{}")
    shown = here.run(dlq, "redrive", "runs", answers="n\n")

    assert shown.exit_code == 1
    assert "1  -> runs" in shown.output
    assert len(received(here, "runs-dlq")) == 1
    assert received(here, "runs") == []


def test_a_redrive_asks_and_a_yes_moves(here: Here) -> None:
    die(here, "runs", "{}")
    shown = here.run(dlq, "redrive", "runs", answers="y\n")

    assert "1 sent back" in shown.output
    assert len(received(here, "runs")) == 1


def test_a_dry_run_says_what_would_go_where(here: Here) -> None:
    die(here, "pushes", enclose(a_push()))
    shown = here.run(dlq, "redrive", "pushes", "--dry-run")

    assert "1  -> pushes" in shown.output
    assert "nothing was done" in shown.output
    assert len(received(here, "pushes-dlq")) == 1


def test_one_letter_is_redriven_by_its_id(here: Here) -> None:
    ids = [die(here, "runs", enclose(RunRequested(run_id=RunId(f"run-{n}")))) for n in range(5)]
    shown = here.run(dlq, "redrive", "runs", "--message-id", ids[3], "--yes")

    assert "run-3" in received(here, "runs")[0]["Body"]
    assert "1 sent back; dead letters of runs now: about 4" in shown.output


def test_a_letter_that_nobody_needs_is_dropped_by_its_id_and_no_other(here: Here) -> None:
    ids = [die(here, "runs", enclose(RunRequested(run_id=RunId(f"run-{n}")))) for n in range(3)]
    shown = here.run(dlq, "redrive", "runs", "--drop", "--message-id", ids[1], answers="y\n")

    assert "1  dropped: named to be dropped" in shown.output
    assert "1 deleted; dead letters of runs now: about 2" in shown.output
    assert received(here, "runs") == []
    left = [letter["Body"] for letter in received(here, "runs-dlq")]
    assert len(left) == 2
    assert not [body for body in left if "run-1" in body]


def test_an_id_that_is_not_there_is_told(here: Here) -> None:
    die(here, "runs", "{}")
    shown = here.run(dlq, "redrive", "runs", "--message-id", "gone", "--yes")

    assert shown.exit_code == 1
    assert "not among the dead letters of runs: gone" in shown.output
    assert len(received(here, "runs-dlq")) == 1


def undelivered(here: Here) -> None:
    event = enclose(state_changed(a_run()))
    die(here, "undelivered", event, TARGET_ARN=f"{ARN}statuses", RULE_ARN="StatusesRule")
    die(here, "undelivered", "{}", TARGET_ARN="arn:aws:lambda:eu-west-1:1:function:reconciler")
    die(here, "undelivered", "mail", TARGET_ARN="arn:aws:sns:eu-west-1:1:failed-runs")
    die(here, "undelivered", "{}", ErrorCode="200", ErrorMessage="Task timed out")


def test_undelivered_events_go_to_their_target_and_the_rest_stays(here: Here) -> None:
    undelivered(here)
    shown = here.run(dlq, "redrive", "undelivered", "--yes").output

    assert "1 sent back, 3 left; dead letters of undelivered now: about 3" in shown
    assert len(received(here, "statuses")) == 1
    assert len(received(here, "undelivered-dlq")) == 3


def test_what_goes_nowhere_is_deleted_when_told(here: Here) -> None:
    undelivered(here)
    shown = here.run(dlq, "redrive", "undelivered", "--drop", answers="y\n").output

    assert "1  dropped: a mail about a failed run" in shown
    assert "1 sent back, 3 deleted; dead letters of undelivered now: about 0" in shown
    assert received(here, "undelivered-dlq") == []


def test_a_redrive_with_nothing_to_send_does_not_ask(here: Here) -> None:
    die(here, "undelivered", "{}")
    shown = here.run(dlq, "redrive", "undelivered").output

    assert "nothing to do; --drop deletes them" in shown


def test_a_redrive_that_is_refused_half_way_tells_how_far_it_got(here: Here) -> None:
    for number in range(3):
        die(here, "runs", enclose(RunRequested(run_id=RunId(f"run-{number}"))))
    sqs = here.client("sqs")
    send = sqs.send_message
    sent: list[dict[str, Any]] = []

    def sending(**message: Any) -> Any:
        if len(sent) == 2:
            raise refusal("AccessDenied", 403, "SendMessage")
        sent.append(message)
        return send(**message)

    sqs.send_message = sending
    here.clients["sqs"] = sqs
    shown = here.run(dlq, "redrive", "runs", "--yes")
    del here.clients["sqs"]

    assert shown.exit_code == 1
    assert "2 sent back, then it was interrupted" in shown.output
    assert "redriving runs: AccessDenied" in shown.output
    assert len(received(here, "runs-dlq")) == 1


def test_without_the_stack_it_says_how_to_get_one(here: Here) -> None:
    shown = here.run(dlq, "list", "-e", "staging")

    assert shown.exit_code == AccountError.exit_code
    assert "make deploy ENVIRONMENT=staging" in shown.output
