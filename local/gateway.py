"""The front of the embedded AWS's HTTP APIs: a few calls at a time, and the others wait.

In AWS every call finds a machine. Here it is this one: the emulator starts a process for each call
that finds the others busy, half a second's work. Calls that come faster than they are answered make
it start more and more of them, until none is answered in time. So no more of them are let in than
`Limits` says; who has waited too long is answered 503, which Bitbucket sends again.

    python -m local.gateway --aws-endpoint-url URL [--port N]

Prints one JSON line when it is ready, {"port": N}; its log goes to standard error.
"""

import contextlib
import logging
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import click
import urllib3
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from local.part import log_to_stderr, run
from local.serving import serving

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

# Of an HTTP API: API Gateway developer guide, "Quotas for configuring and running an HTTP API".
_PAYLOAD_BYTES: Final = 10 * 1024 * 1024
_INTEGRATION_SECONDS: Final = 30.0
# What is said about a connection, or about a body as it was.
_NOT_FORWARDED: Final = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding"}
)


@dataclass(frozen=True)
class Limits:
    """How many calls run at once, and seconds after which one that was not let in is refused.

    Twelve have answered 50 webhooks a second on two processors, eight have not. Five seconds are
    half of what Bitbucket waits for an answer: the other half is the call's own.
    """

    calls: int = 12
    seconds: float = 5.0


class Gateway:
    """A WSGI application, and whoever waits for the API behind it, in the order of their coming."""

    def __init__(self, api_url: str, calls: ThreadPoolExecutor, seconds: float) -> None:
        self._api_url = api_url
        self._calls = calls
        self._seconds = seconds
        self._http = urllib3.PoolManager(timeout=_INTEGRATION_SECONDS, retries=False)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, as WSGI asks."""
        request = Request(environ)
        request.max_content_length = _PAYLOAD_BYTES
        try:
            body = request.get_data()
        except RequestEntityTooLarge:
            response = _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            response = self._answer(request, body)
        return response(environ, start_response)

    def _answer(self, request: Request, body: bytes) -> Response:
        call = self._calls.submit(self._call, request, body)
        try:
            return call.result(self._seconds)
        except TimeoutError:
            if call.cancel():
                log.warning("%s was not let in within %g s", request.path, self._seconds)
                return _message(HTTPStatus.SERVICE_UNAVAILABLE)
            return call.result()

    def _call(self, request: Request, body: bytes) -> Response:
        try:
            answer = self._http.request(
                request.method,
                # As it came: what was quoted stays so.
                f"{self._api_url}{request.environ['REQUEST_URI']}",
                body=body,
                # No connection is kept, since one that ends meanwhile would lose a call.
                headers={**_forwarded(request.headers.items()), "Connection": "close"},
                decode_content=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            log.warning("calling %s: %s", request.path, type(error).__name__)
            return _message(HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(answer.data, answer.status, _forwarded(answer.headers.items()))


@contextlib.contextmanager
def running(api_url: str, limits: Limits, port: int = 0) -> Iterator[int]:
    """The gateway of what answers at `api_url`; its own port, as long as the block lasts."""
    calls = ThreadPoolExecutor(limits.calls, thread_name_prefix="call")
    with socket.create_server(("127.0.0.1", port)) as listener:
        answers_on: int = listener.getsockname()[1]
        with serving(Gateway(api_url, calls, limits.seconds), listener, answers_on):
            yield answers_on
        calls.shutdown(wait=False, cancel_futures=True)


def _forwarded(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _NOT_FORWARDED}


def _message(status: HTTPStatus) -> Response:
    """An answer of the gateway's own, in API Gateway's form."""
    return Response(f'{{"message":"{status.phrase}"}}', status, content_type="application/json")


@click.command(name="python -m local.gateway")
@click.option("--aws-endpoint-url", required=True, help="The emulator.")
@click.option("--port", default=0, help="Port on 127.0.0.1; 0 takes a free one.")
def main(aws_endpoint_url: str, port: int) -> None:
    """Stand before the HTTP APIs of an emulator, on 127.0.0.1."""
    log_to_stderr(("werkzeug", "urllib3"), logging.ERROR)
    run(running(aws_endpoint_url, Limits(), port))


if __name__ == "__main__":
    main()
