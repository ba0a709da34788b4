"""Load: the sender sends when it is due, and measures from then."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from werkzeug.wrappers import Request, Response

from local.serving import serving
from tests.load.pushing import Webhook
from tests.load.sender import Sender

WEBHOOK = Webhook(b"{}", {"Content-Type": "application/json"})


@contextmanager
def answering(answer: "Answering") -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with serving(Request.application(answer), listener, port):
            yield f"http://127.0.0.1:{port}/bitbucket-webhook"


class Answering:
    """Answers nobody before as many as `together` have asked."""

    def __init__(self, together: int) -> None:
        self.barrier = threading.Barrier(together)

    def __call__(self, request: Request) -> Response:
        request.get_data()
        self.barrier.wait(timeout=60)
        return Response('{"message": "stored 1"}', 202)


def test_an_answer_that_does_not_come_holds_up_no_other_webhook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # How long a busy machine takes for ten answers is not what this is about.
    monkeypatch.setattr("tests.load.sender.BITBUCKET_WAITS", 60.0)
    with answering(Answering(together=10)) as url:
        sent = Sender(url).send([WEBHOOK] * 10, rate=50)

    assert sent.statuses == {"202": 10}
    assert sent.late == 0
    # The first one waited for all that were due after it.
    assert sent.answers[0].took >= 9 / 50


def test_a_webhook_that_nobody_takes_is_counted() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        sent = Sender(f"http://127.0.0.1:{port}/").send([WEBHOOK], rate=1)

    assert sent.statuses == {"None": 1}
    assert (sent.late, sent.answers[0].text) == (1, "ConnectionRefusedError")


def test_webhooks_are_sent_until_there_are_no_more() -> None:
    def three() -> Iterator[Webhook]:
        for _ in range(3):
            yield WEBHOOK

    with answering(Answering(together=1)) as url:
        sent = Sender(url).send(three(), rate=50)

    assert sent.statuses == {"202": 3}
