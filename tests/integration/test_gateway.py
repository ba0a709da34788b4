"""The embedded stack's gateway: what it lets in, what waits, and what it hands on."""

import http.client
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import urllib3
from werkzeug.wrappers import Request, Response

from local.gateway import Limits, running
from local.serving import serving

PATIENT = Limits(calls=2, seconds=120)


class Api:
    """An API that answers when it is let, and counts who it answers at once."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []
        self.most = 0
        self._now = 0
        self._counting = threading.Condition()

    def __call__(self, request: Request) -> Response:
        with self._counting:
            self.requests.append(request)
            self.bodies.append(request.get_data())
            self._now += 1
            self.most = max(self.most, self._now)
            self._counting.notify_all()
        self.let.wait(timeout=120)
        with self._counting:
            self._now -= 1
        return Response('{"message": "stored 1"}', 202, {"X-Told": "yes"})

    def reached(self, count: int) -> bool:
        """Wait until so many are inside."""
        with self._counting:
            return self._counting.wait_for(lambda: self._now == count, timeout=120)


@contextmanager
def before(api: Api, limits: Limits) -> Iterator[str]:
    """A gateway before an API; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            serving(Request.application(api), listener, port),
            running(f"http://127.0.0.1:{port}", limits) as answers_on,
        ):
            yield f"http://127.0.0.1:{answers_on}"


def post(url: str, body: bytes = b"{}") -> int:
    """Post, and wait for the status of the answer."""
    return urllib3.request("POST", url, body=body, timeout=120, retries=False).status


def test_no_more_calls_than_the_limit_run_at_once_and_all_are_answered() -> None:
    api = Api()
    with before(api, PATIENT) as url, ThreadPoolExecutor(10) as senders:
        answers = [senders.submit(post, url) for _ in range(10)]
        inside = api.reached(2)
        api.let.set()
        statuses = [one.result() for one in answers]

    assert inside
    assert statuses == [202] * 10
    assert (api.most, len(api.requests)) == (2, 10)


def test_who_is_not_let_in_for_too_long_is_refused_so_that_bitbucket_sends_again() -> None:
    api = Api()
    with before(api, Limits(calls=1, seconds=0.2)) as url, ThreadPoolExecutor(1) as senders:
        first = senders.submit(post, url)
        inside = api.reached(1)
        second = urllib3.request("POST", url, timeout=120, retries=False)
        api.let.set()

    assert inside
    assert (second.status, second.json()) == (503, {"message": "Service Unavailable"})
    # One that was let in is waited for, and one that was refused is never made.
    assert first.result() == 202
    assert len(api.requests) == 1


def test_a_call_is_handed_on_as_it_came() -> None:
    api = Api()
    api.let.set()
    with before(api, PATIENT) as url:
        answer = urllib3.request(
            "POST",
            f"{url}/_aws/execute-api/a1/$default/hook%2Fx?a=%20&b",
            body=b"\x00\xff",
            headers={"X-Hub-Signature": "sha256=00", "Content-Type": "application/json"},
            timeout=120,
        )

    (request,) = api.requests
    assert (answer.status, answer.headers["X-Told"], answer.data) == (
        202,
        "yes",
        b'{"message": "stored 1"}',
    )
    assert request.environ["REQUEST_URI"] == "/_aws/execute-api/a1/$default/hook%2Fx?a=%20&b"
    assert (request.headers["X-Hub-Signature"], request.mimetype) == (
        "sha256=00",
        "application/json",
    )
    assert api.bodies == [b"\x00\xff"]


def test_an_api_that_is_away_is_answered_503() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with running(f"http://127.0.0.1:{port}", PATIENT) as answers_on:
            status = post(f"http://127.0.0.1:{answers_on}/")

    assert status == 503


def test_more_than_an_http_api_takes_is_refused_before_it_is_read() -> None:
    api = Api()
    with before(api, PATIENT) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(10 * 1024 * 1024 + 1))
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()

    assert status == 413
    assert api.requests == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_call_without_a_body_is_handed_on_too(method: str) -> None:
    api = Api()
    api.let.set()
    with before(api, PATIENT) as url:
        status = urllib3.request(method, url, timeout=120).status

    assert status == 202
    assert [one.method for one in api.requests] == [method]
