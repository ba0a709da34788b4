"""Lets a project's own script push to its repository, without a sight of the token.

A small HTTP server on loopback passes git's requests for one repository on to Bitbucket and adds
the credentials on the way (see `gateway_requests`). Jobs of one machine may share its network, so
the address holds a secret of its own, which ends with the gateway.
"""

from __future__ import annotations

import hmac
import http.client
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from container.gateway_requests import Requests

_CONNECT_SECONDS = 10
# Silence, in which Bitbucket may be at work on a large push.
_SILENCE_SECONDS = 300
# The requests of git's smart protocol (gitprotocol-http(5)), and those by which Git LFS learns the
# addresses of its objects, which carry permissions of their own (git-lfs, "Batch API").
_SERVICES = {
    "info/refs?service=git-upload-pack": "GET",
    "info/refs?service=git-receive-pack": "GET",
    "git-upload-pack": "POST",
    "git-receive-pack": "POST",
    "info/lfs/objects/batch": "POST",
    "info/lfs/locks/verify": "POST",  # which a push asks first
}


@dataclass(frozen=True)
class Gateway:
    """A gateway that listens. Its address is as good as the credentials while it does."""

    url: str


@contextmanager
def gateway(upstream_url: str, authorization: Callable[[], str]) -> Iterator[Gateway]:
    """Pass requests on to the repository at `upstream_url`, until the end of the block.

    `authorization` gives the header's value for each request; it may raise OAuthUnavailable. It is
    called from several threads. At the end every connection is closed and every thread has ended;
    one that is just looking for Bitbucket is waited for, some seconds.
    """
    with _Server(upstream_url.rstrip("/"), authorization) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="gateway")
        thread.start()
        try:
            yield Gateway(f"http://127.0.0.1:{server.server_port}{server.root.rstrip('/')}")
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()


class _Server(ThreadingHTTPServer):
    # So that its close, inherited, waits for the threads of its connections.
    daemon_threads = False
    request_queue_size = 32

    def __init__(self, upstream_url: str, authorization: Callable[[], str]) -> None:
        upstream = urlsplit(upstream_url)
        self.authorization = authorization
        self.path = upstream.path
        self.host = upstream.hostname or ""
        self.root = f"/{secrets.token_urlsafe(24)}{upstream.path}/"
        self._port = upstream.port
        self._encrypted = upstream.scheme == "https"
        self._lock = threading.Lock()
        self._open: set[socket.socket] | None = set()
        super().__init__(("127.0.0.1", 0), Requests)

    def service(self, method: str, path: str) -> str | None:
        """What of the repository a request asks for; None if it may not."""
        root, service = path[: len(self.root)], path[len(self.root) :]
        if not hmac.compare_digest(root.encode(), self.root.encode()):
            return None
        return service if _SERVICES.get(service) == method else None

    @contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        """A new connection to Bitbucket.

        Raises:
            OSError: there is none to be had.
        """
        kind = http.client.HTTPSConnection if self._encrypted else http.client.HTTPConnection
        connection = kind(self.host, self._port, timeout=_CONNECT_SECONDS)
        try:
            connection.connect()
            connection.sock.settimeout(_SILENCE_SECONDS)
            with self._watching(connection.sock):
                yield connection
        finally:
            connection.close()

    def hang_up(self) -> None:
        """Shut every connection down, so that the threads that wait for one end."""
        with self._lock:
            for connection in self._open or ():
                with suppress(OSError):  # the other side was faster
                    # Not TLS's own shutdown, which is for the thread that reads.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._open = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer the requests of one connection."""
        with self._watching(request):
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave a trace of our own faults; clients go away when they like."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @contextmanager
    def _watching(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            if self._open is None:
                raise ConnectionAbortedError("the gateway is closing")
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                (self._open or set()).discard(connection)
