"""events/: one input per function, as AWS would hand it over, and the README that lists them."""

import hashlib
import json
from typing import Any

import pytest

from services.webhook.push import Push
from services.webhook.signature import signed
from shared.events import CommitPushed
from tests.contracts.markdown import code, links, table
from tests.contracts.wiring import (
    PROJECT,
    Function,
    function_of,
    functions,
    properties,
    queue_name,
    references,
    working_queues,
)

EVENTS = PROJECT / "events"
README = (EVENTS / "README.md").read_text(encoding="utf-8")
READERS = [function for function in functions() if function.queue]
SQS_RECORD = {
    *("messageId", "receiptHandle", "body", "attributes", "messageAttributes"),
    *("md5OfBody", "eventSource", "eventSourceARN", "awsRegion"),
}
# Lambda's developer guide, "Using Lambda with Amazon SQS".
SQS_ATTRIBUTES = {
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "SenderId",
    "SentTimestamp",
}


def _read(path: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EVENTS / path).read_text(encoding="utf-8"))
    return read


def _bodies(service: str) -> list[dict[str, Any]]:
    return [json.loads(record["body"]) for record in _read(f"{service}.json")["Records"]]


def test_each_function_has_an_input() -> None:
    inputs = {file.stem for file in EVENTS.glob("*.json")} - {"env"}

    assert inputs == {function.service for function in functions()}


@pytest.mark.parametrize("function", READERS, ids=lambda function: function.service)
def test_a_batch_is_one_of_the_functions_own_queue(function: Function) -> None:
    for record in _read(f"{function.service}.json")["Records"]:
        assert set(record) == SQS_RECORD
        assert set(record["attributes"]) == SQS_ATTRIBUTES
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
        assert record["eventSourceARN"].endswith(f"-{queue_name(str(function.queue))}")


@pytest.mark.parametrize("function", READERS, ids=lambda function: function.service)
def test_our_events_in_a_batch_are_the_samples(function: Function) -> None:
    ours = [body for body in _bodies(function.service) if body["source"] == "cloud-runner"]

    assert ours
    for body in ours:
        assert body == _read(f"samples/{body['detail-type']}.json"), "copy the sample into the body"


def test_batchs_own_event_is_one_that_the_rule_lets_through() -> None:
    event = _bodies("monitor")[0]
    pattern = properties("BatchEventsRule")["EventPattern"]

    assert event["source"] in pattern["source"]
    assert event["detail-type"] in pattern["detail-type"]
    assert set(references(pattern["detail"]["jobQueue"])) == {"Compute", "SweepJobQueueArns"}
    assert event["detail"]["status"] in pattern["detail"]["status"]
    assert "index" not in event["detail"].get("arrayProperties", {})
    assert event["detail"]["jobQueue"] == _bodies("monitor")[1]["detail"]["job"]["jobQueue"]
    assert event["detail"]["parameters"] == _bodies("monitor")[1]["detail"]["job"]["parameters"]


def test_a_second_array_is_told_of_as_soon_as_it_waits_for_its_children() -> None:
    assert "PENDING" in properties("BatchEventsRule")["EventPattern"]["detail"]["status"]


def test_of_a_child_only_why_it_waits_is_let_through() -> None:
    changes = properties("BatchEventsRule")["EventPattern"]
    blocked = properties("BatchBlockedRule")["EventPattern"]

    assert changes["detail-type"] == ["Batch Job State Change"]
    assert changes["detail"]["arrayProperties"] == {"index": [{"exists": False}]}
    assert blocked["detail-type"] == ["Batch Job Queue Blocked"]
    assert blocked["detail"] == {"jobQueue": changes["detail"]["jobQueue"]}


def test_the_webhooks_sample_is_signed_with_the_secret_that_the_readme_names() -> None:
    event = _read("webhook.json")
    secret = "sample-webhook-secret"
    route = function_of("webhook").declared["Events"]["Push"]["Properties"]

    assert secret in code(README)
    assert signed(event["body"].encode(), secret, event["headers"]["x-hub-signature"])
    assert f'"{event["headers"]["x-hook-uuid"]}": {{"secret": "{secret}"' in README
    assert event["routeKey"] == f"{route['Method']} {route['Path']}"
    assert int(event["headers"]["content-length"]) == len(event["body"].encode())


def test_the_webhooks_sample_is_the_push_that_the_others_follow_from() -> None:
    sample = CommitPushed.model_validate(_read("samples/CommitPushed.json")["detail"])
    push = Push.model_validate_json(_read("webhook.json")["body"])

    assert push.commits("ACME", sample.pushed_at) == [sample]


def test_the_reconcilers_sample_is_a_tick_of_the_schedule() -> None:
    event = _read("reconciler.json")

    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert "ReconcileSchedule" in event["resources"][0]


def test_docs_of_the_samples_list_every_input() -> None:
    rows = {links(row[0])[0]: code(row[1]) for row in table(README, "File")}

    assert rows == {f"{function.service}.json": [function.logical_id] for function in functions()}
    queues = {queue_name(name) for name in working_queues()}
    for row in table(README, "File"):
        (function,) = (one for one in functions() if [one.logical_id] == code(row[1]))
        named = queues & set(code(row[2]))
        assert named == ({queue_name(function.queue)} if function.queue else set())


def test_docs_of_the_samples_list_every_event() -> None:
    rows = {code(row[0])[0]: row for row in table(README, "Event")}

    assert set(rows) == {file.stem for file in (EVENTS / "samples").glob("*.json")}
    for name, row in rows.items():
        assert links(row[1]) == [f"samples/{name}.json"]
        assert links(row[2]) == [f"schemas/{name}.json"]
        whole = "account" in _read(f"samples/{name}.json")
        assert row[3] == ("EventBridge's" if whole else "the queue's")
