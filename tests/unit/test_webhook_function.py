"""The webhook as Lambda calls it: events are stored before it answers."""

import json
import time
from typing import Any

import pytest

from services.webhook import app
from services.webhook.signature import sign
from services.webhook.trying import CALL_SECONDS
from shared.entry import Handler
from shared.errors import Unavailable
from tests.fakes import SecretTexts, refusal
from tests.samples import payload, template

UUID = "79492efb-32b4-4f69-a469-606b58d2f8b5"
BODY = json.dumps(payload("bitbucket_cloud/push/jenkins_2017_multiple_changes.json"))
SECRET = json.dumps({UUID: {"secret": "s3", "repository": "cloudbeers/temp"}})


class Queue:
    """SQS's client: stores messages, or fails as it is told to."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.refused: list[dict[str, str]] = []
        self.calls = 0
        self.away_for = 0

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - botocore's names
        self.calls += 1
        if self.error and (not self.away_for or self.calls <= self.away_for):
            raise self.error
        self.bodies += [json.loads(entry["MessageBody"]) for entry in Entries]
        return {"Failed": self.refused}


class Invocation:
    """Lambda's context, whose time passes while the function pauses."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self.left * 1000)

    def pause(self, seconds: float) -> None:
        self.left -= seconds


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def handler(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Handler:
    clients = {"sqs": queue, "secretsmanager": SecretTexts(hooks=SECRET)}

    class Clients:
        def __init__(self, region: str) -> None:
            assert region == "eu-west-1"

        def make(self, service: str, **_: Any) -> Any:
            return clients[service]

    monkeypatch.setattr(app, "Clients", Clients)
    for name, value in {
        "AWS_REGION": "eu-west-1",
        "AUTHORISED_HOOKS_SECRET": "hooks",
        "KEYWORD_PREFIX": "ACME",
        "PUSHES_QUEUE_URL": "https://sqs.invalid/pushes",
        "REQUIRE_SIGNATURE": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return app.build()


def event(secret: str = "s3") -> dict[str, Any]:
    headers = {
        "x-hook-uuid": UUID,
        "x-event-key": "repo:push",
        "x-hub-signature": sign(BODY.encode(), secret),
    }
    return {"headers": headers, "body": BODY, "isBase64Encoded": False}


def test_a_push_is_stored_and_then_answered_202(handler: Handler, queue: Queue) -> None:
    answer = handler(event(), None)

    assert answer["statusCode"] == 202
    assert json.loads(answer["body"]) == {"message": "stored 2"}
    assert [body["detail-type"] for body in queue.bodies] == ["CommitPushed", "CommitPushed"]
    assert [body["detail"]["branch"] for body in queue.bodies] == ["main", "manchu"]


def test_a_forged_delivery_is_answered_401_and_leaves_no_message(
    handler: Handler, queue: Queue
) -> None:
    assert handler(event("wrong"), None)["statusCode"] == 401
    assert queue.bodies == []


def test_an_answer_without_content_has_no_body(handler: Handler) -> None:
    other = event()
    other["headers"]["x-event-key"] = "repo:fork"

    assert handler(other, None) == {"statusCode": 204}


def test_a_queue_that_is_away_is_answered_503_so_that_bitbucket_sends_again(
    handler: Handler, queue: Queue
) -> None:
    queue.error = refusal("ServiceUnavailable", 503, "SendMessageBatch")

    assert handler(event(), None)["statusCode"] == 503


def test_an_event_that_was_refused_in_part_is_answered_503(handler: Handler, queue: Queue) -> None:
    queue.refused = [{"Id": "1", "Code": "InternalError"}]

    assert handler(event(), None)["statusCode"] == 503


def test_a_queue_that_is_away_for_a_moment_costs_none_of_bitbuckets_three_tries(
    handler: Handler, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    invocation = Invocation(8)
    monkeypatch.setattr(time, "sleep", invocation.pause)
    queue.error, queue.away_for = refusal("ThrottlingException", 400, "SendMessageBatch"), 4

    answer = handler(event(), invocation)

    assert answer["statusCode"] == 202
    assert [body["detail"]["branch"] for body in queue.bodies] == ["main", "manchu"]


def test_the_webhook_says_503_itself_while_there_is_time_for_a_call_that_hangs(
    handler: Handler, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    invocation = Invocation(8)
    monkeypatch.setattr(time, "sleep", invocation.pause)
    queue.error = refusal("ServiceUnavailable", 503, "SendMessageBatch")

    assert handler(event(), invocation)["statusCode"] == 503
    assert queue.calls > 3
    assert CALL_SECONDS < invocation.left < CALL_SECONDS + 4


def test_a_call_of_the_webhook_is_short_enough_for_its_own_answer() -> None:
    timeout = template()["Resources"]["WebhookFunction"]["Properties"]["Timeout"]

    assert 2 * CALL_SECONDS < timeout < 10 - 1.5


def test_a_bug_rises_and_is_no_answer(handler: Handler, queue: Queue) -> None:
    queue.error = refusal("AccessDenied", 403, "SendMessageBatch")

    with pytest.raises(Exception, match="AccessDenied") as error:
        handler(event(), None)
    assert not isinstance(error.value, Unavailable)
