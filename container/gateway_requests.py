"""One request through the gateway: to Bitbucket with the credentials, back without a trace of them.

Bodies pass in blocks, whatever their size and as they are encoded.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Protocol, cast

from container.bodies import BLOCK, BrokenOff, answered, chunk, is_chunked, received
from container.oauth import OAuthUnavailable

_IDLE_SECONDS = 300
_DRAIN_SECONDS = 5
_ASKED = (
    "Accept", "Accept-Encoding", "Accept-Language", "Content-Encoding", "Content-Type",
    "Git-Protocol", "User-Agent",
)  # fmt: skip  # one line more for each would tell no more
# No cookie is among them, and no question for a password.
_ANSWERED = (
    "Cache-Control", "Content-Encoding", "Content-Type", "Expires", "Pragma", "Retry-After",
)  # fmt: skip  # as above


class _Upstream(Protocol):
    """The gateway: where requests go, and which may."""

    authorization: Callable[[], str]
    host: str
    path: str

    def service(self, method: str, path: str) -> str | None:
        """What of the repository a request asks for; None if it may not."""

    def connected(self) -> AbstractContextManager[http.client.HTTPConnection]:
        """A new connection."""


class Requests(BaseHTTPRequestHandler):
    """The requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        """Pass on what asks for the refs."""
        self._answer()

    def do_POST(self) -> None:
        """Pass on what fetches or pushes."""
        self._answer()

    @property
    def _upstream(self) -> _Upstream:
        return cast(_Upstream, self.server)

    def _answer(self) -> None:
        service = self._upstream.service(self.command, self.path)
        if service is None:
            self._refuse(404, "there is nothing here")
            return
        try:
            authorization = self._upstream.authorization()
            with self._upstream.connected() as connection:
                self._relay(self._ask(connection, service, authorization))
        except BrokenOff:
            self.close_connection = True  # nobody waits for an answer
        except OAuthUnavailable as unavailable:
            self._unreached(str(unavailable))
        except (OSError, http.client.HTTPException) as error:
            self._unreached(type(error).__name__)

    def _ask(
        self, connection: http.client.HTTPConnection, service: str, authorization: str
    ) -> http.client.HTTPResponse:
        headers = {name: self.headers[name] for name in _ASKED if name in self.headers}
        headers["Authorization"] = authorization
        path = f"{self._upstream.path}/{service}"
        if self.command == "GET":
            connection.request("GET", path, headers=headers)
            return connection.getresponse()
        framed = is_chunked(self.headers)
        if framed:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = self.headers.get("Content-Length") or "0"
        body = received(self.headers, self.rfile)
        try:
            connection.request("POST", path, body, headers, encode_chunked=framed)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # it may have answered before it was told all
        return connection.getresponse()

    def _relay(self, answer: http.client.HTTPResponse) -> None:
        if answer.status == 401:
            # A question for a password would find nobody who knows one.
            self._refuse(403, "Bitbucket does not take the job's credentials")
        elif answer.status // 100 == 3:
            self._refuse(502, "Bitbucket leads to another address")
        else:
            self._head(answer)
            self._body(answer)

    def _head(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status)
        for name in _ANSWERED:
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        if answer.length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(answer.length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _body(self, answer: http.client.HTTPResponse) -> None:
        framed = answer.length is None
        try:
            for block in answered(answer):
                self.wfile.write(chunk(block) if framed else block)
            if framed:
                self.wfile.write(chunk(b""))
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # the client sees that the end is missing
        else:
            if self.close_connection:
                self._drain()

    def _unreached(self, why: str) -> None:
        self._refuse(502, f"{self._upstream.host} cannot be reached now: {why}")

    def _refuse(self, status: int, why: str) -> None:
        text = f"{why}\n".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
        self._drain()

    def _drain(self) -> None:
        """Hear a client out: a connection that is closed while it sends takes its answer away."""
        until = time.monotonic() + _DRAIN_SECONDS
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_SECONDS)
            while time.monotonic() < until and self.rfile.read1(BLOCK):
                pass

    def send_error(self, code: int, *_: object) -> None:
        """Refuse what the standard library does not take for a GET or POST."""
        self._refuse(404 if code == 501 else code, "this is no request of git")

    def log_message(self, *_: object) -> None:
        """Nothing: git tells what has happened, and the path is a secret."""
