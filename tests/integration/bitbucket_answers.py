"""A server in Bitbucket's place that answers as it is told to, and clients that call it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from services.notifier.statuses import Links, status
from shared.bitbucket import Bitbucket
from shared.events import Repository
from shared.secrets import Secrets
from tests.fakes import Clock, SecretTexts
from tests.samples import COMMIT, NAMES, REGION, REPOSITORY, a_run

SECRET = "acme/testing/bitbucket-auth"
OAUTH = "/site/oauth2/access_token"
STATUS = status(a_run(), Links(REGION), NAMES.stack)
Answer = tuple[int, dict[str, str], bytes]


class Server:
    """A Bitbucket on a free port of the loopback: it keeps requests and gives prepared answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Answer] = []
        self.tokens = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                code, extra, text = server.answer(self.path, headers, body)
                self.send_response(code)
                for name, value in {**extra, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.requests.append((path, headers, body))
        if self.answers:
            return self.answers.pop(0)
        if path == OAUTH:
            self.tokens += 1
            granted = {"access_token": f"granted-{self.tokens}", "expires_in": 7200}
            return 200, {}, json.dumps(granted).encode()
        return 201, {}, b"{}"

    def close(self) -> None:
        self.http.shutdown()
        self._thread.join()
        self.http.server_close()

    @property
    def authorizations(self) -> list[str]:
        """Who was said to call, for the calls that post a status."""
        return [h["authorization"] for path, h, _ in self.requests if path != OAUTH]


@contextmanager
def answering() -> Iterator[Server]:
    """A server, until the block is left."""
    server = Server()
    try:
        yield server
    finally:
        server.close()


class Caller:
    """A client with credentials that a test can change."""

    def __init__(self, server: Server, **credentials: str) -> None:
        self.clock = Clock()
        self.store = SecretTexts(**{SECRET: json.dumps(credentials)})
        self.bitbucket = Bitbucket(
            f"{server.url}/2.0/",
            SECRET,
            Secrets(self.store, self.clock.seconds),
            git_url=f"{server.url}/",
            clock=self.clock.seconds,
        )

    def post(self, repository: Repository = REPOSITORY, commit: str = COMMIT) -> None:
        self.bitbucket.post_status(repository, commit, STATUS)


def bearer(server: Server) -> Caller:
    return Caller(server, kind="access_token", token="t0k3n")
