"""The webhook as Lambda calls it, before a queue that takes what SQS takes."""

import base64
import io
import json
import os
import re
from typing import Any
from unittest import mock

from services.webhook import app
from services.webhook.signature import sign
from shared.entry import Handler
from tests.fakes import SecretTexts, refusal
from tests.samples import payload, payload_files

UUID = "79492efb-32b4-4f69-a469-606b58d2f8b5"
KEY = "It's a Secret to Everybody"
BUT_UTF8 = "surrogatepass"
# API reference, SendMessageBatch and SendMessage.
_MOST_BYTES = 262_144
_NOT_TAKEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_LINE = 5_000


class Queue:
    """SQS's client: keeps the messages of a batch, all of them or none."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - botocore's names
        """Keep them, or refuse them as SQS does."""
        bodies = [entry["MessageBody"] for entry in Entries]
        if not 0 < len(bodies) <= 10 or len({entry["Id"] for entry in Entries}) != len(bodies):
            raise refusal("TooManyEntriesInBatchRequest", 400, "SendMessageBatch")
        if sum(len(body.encode()) for body in bodies) > _MOST_BYTES:
            raise refusal("BatchRequestTooLong", 400, "SendMessageBatch")
        if not all(bodies) or any(map(_NOT_TAKEN.search, bodies)):
            raise refusal("InvalidMessageContents", 400, "SendMessageBatch")
        self.bodies += bodies
        return {"Successful": []}


class Receiver:
    """The function, its queue and its log.

    `repository` is the one that the webhook speaks for, `uuid` that one's; without it the entry is
    one of before.
    """

    def __init__(
        self, repository: str | None, *, uuid: str | None = None, require_signature: bool = True
    ) -> None:
        self.queue = Queue()
        self._log = io.StringIO()
        told = {} if uuid is None else {"uuid": uuid}
        entry = {UUID: {"secret": KEY, "repository": repository, **told}}
        clients = {
            "sqs": self.queue,
            "secretsmanager": SecretTexts(hooks=json.dumps(entry if repository else [UUID])),
        }

        class Clients:
            def __init__(self, region: str) -> None:
                pass

            def make(self, service: str, **_: Any) -> Any:
                return clients[service]

        settings = {
            "AWS_REGION": "eu-west-1",
            "AUTHORISED_HOOKS_SECRET": "hooks",
            "KEYWORD_PREFIX": "ACME",
            "PUSHES_QUEUE_URL": "https://sqs.invalid/pushes",
            "REQUIRE_SIGNATURE": str(require_signature),
        }
        with (
            mock.patch.object(app, "Clients", Clients),
            mock.patch.dict(os.environ, settings),
            mock.patch("sys.stdout", self._log),
        ):
            self._respond: Handler = app.build()

    def answer(self, event: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
        """The status of the answer and the events that were stored, after a look at the log."""
        self.queue.bodies.clear()
        self._log.seek(0)
        self._log.truncate()
        answer = self._respond(event, None)
        status: int = answer["statusCode"]
        assert ("body" in answer) is (status != 204)
        if status != 204:
            assert list(json.loads(answer["body"])) == ["message"]
        for line in self._log.getvalue().splitlines():
            assert json.loads(line)["service"] == "webhook"
            assert len(line) < _LONGEST_LINE
            assert KEY not in line
        return status, [json.loads(body) for body in self.queue.bodies]


def delivery(
    body: bytes, *, key: str | None = KEY, in_base64: bool = True, **headers: str
) -> dict[str, Any]:
    """An HTTP API event with a body, signed with `key`; None for no signature."""
    signature = {} if key is None else {"x-hub-signature": sign(body, key)}
    text = base64.b64encode(body).decode() if in_base64 else body.decode(errors=BUT_UTF8)
    return {
        "headers": {
            "x-hook-uuid": UUID,
            "x-event-key": "repo:push",
            "x-request-uuid": "e7a1daa7-a80d-4353-8c9b-32f728d89086",
            **signature,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        "body": text,
        "isBase64Encoded": in_base64,
    }


def bodies() -> list[Any]:
    """The body of every delivery under tests/payloads, whoever sent it."""
    folders = ("bitbucket_cloud/push", "bitbucket_cloud/other_events", "bitbucket_server")
    found = [payload(path) for folder in folders for path in payload_files(folder)]
    for path in payload_files("aws/http_api_v2"):
        event = payload(path)
        raw = event.get("body") or "null"
        text = base64.b64decode(raw) if event.get("isBase64Encoded") else raw
        try:
            found.append(json.loads(text))
        except ValueError:
            found.append(raw)  # a form, say
    return found
