"""A gate before the embedded S3, which allows everything: it lets through what a policy allows."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3

from tests.contracts.s3_policy import Asked, allows, asked

_DENIED = b"<Error><Code>AccessDenied</Code><Message>not in the policy</Message></Error>"
_NOT_PASSED = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
_AT_ONCE = 50


@dataclass
class Guard:
    """The address of the gate, what it let through, and what it refused.

    With `breaks_uploads` it refuses the parts of a large object, whatever the policy says.
    """

    statements: Sequence[Mapping[str, Any]]
    url: str = ""
    breaks_uploads: bool = False
    allowed: list[Asked] = field(default_factory=list)
    refused: list[Asked] = field(default_factory=list)

    @property
    def actions(self) -> set[str]:
        """The actions that were asked for and allowed."""
        return {one.action for one in self.allowed}

    def lets_through(self, method: str, target: str, headers: Mapping[str, str]) -> bool:
        """Whether all that a request needs is allowed; remembers it."""
        for one in asked(method, target, headers):
            if not allows(self.statements, one):
                self.refused.append(one)
                return False
            self.allowed.append(one)
        return not (self.breaks_uploads and "partNumber=" in target)

    def tells_what_is_missing(self, target: str) -> bool:
        """Whether a key that is not there is a 404, and no 403 as for whoever may not list it.

        API reference, HeadObject, "Permissions". What a condition on s3:prefix does to that is not
        documented: here the question has none, which is the stricter way to read it.
        """
        bucket, _, _key = unquote(urlsplit(target).path).lstrip("/").partition("/")
        return allows(self.statements, Asked("s3:ListBucket", f"arn:aws:s3:::{bucket}"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, guard: Guard, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.guard = guard
        self.upstream = upstream
        self.pool = urllib3.PoolManager(retries=False, timeout=120, maxsize=_AT_ONCE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        guard = self.server.guard
        if not guard.lets_through(self.command, self.path, headers):
            self._answer(403, {}, _DENIED)
            return
        passed = {name: value for name, value in headers.items() if name not in _NOT_PASSED}
        answer = self.server.pool.request(
            self.command, self.server.upstream + self.path, body=body, headers=passed
        )
        if answer.status == 404 and not guard.tells_what_is_missing(self.path):
            self._answer(403, {}, _DENIED)
            return
        self._answer(answer.status, answer.headers, answer.data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - the server's names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _NOT_PASSED | {"date", "server"}:
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test tells."""


@contextmanager
def guarded(upstream: str, statements: Sequence[Mapping[str, Any]]) -> Iterator[Guard]:
    """A gate before the S3 at `upstream`, until the end of the block."""
    guard = Guard(statements)
    server = _Server(guard, upstream)
    guard.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield guard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        server.pool.clear()
