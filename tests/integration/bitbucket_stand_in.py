"""A running Bitbucket stand-in, a receiver for its webhooks, and git, for the tests of both."""

import base64
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.bitbucket.client import Client
from local.bitbucket.server import Server

TOKEN = "token/with+signs"
REPOSITORY = "acme/my.repo"
GIT_ENVIRONMENT = {
    "GIT_AUTHOR_EMAIL": "someone@example.com",
    "GIT_AUTHOR_NAME": "Someone",
    "GIT_COMMITTER_EMAIL": "someone@example.com",
    "GIT_COMMITTER_NAME": "Someone",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
    "PATH": os.environ["PATH"],
}


@contextmanager
def running(state: Path, *, answer_within: float = 60.0, pause: float = 0.01) -> Iterator[Client]:
    """A stand-in with one empty repository, and a client for it."""
    state.mkdir(exist_ok=True)
    with (
        Server(state, TOKEN, answer_within=answer_within, pause=pause) as server,
        Client(server.port, TOKEN) as client,
    ):
        client.create_repository(REPOSITORY)
        yield client


def git(
    where: Path, *arguments: str, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run git in a folder, with an identity and nothing of the machine's configuration."""
    return subprocess.run(
        ["git", *arguments],
        cwd=where,
        env={**GIT_ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=check,
    )


def clone(client: Client, where: Path, *arguments: str) -> Path:
    """A clone of the repository."""
    git(where.parent, "clone", "--quiet", *arguments, client.git_url(REPOSITORY), str(where))
    return where


def commit(where: Path, message: str = "a commit", files: Mapping[str, str] | None = None) -> str:
    """Commit files and answer the hash."""
    for name, text in (files or {}).items():
        (where / name).write_text(text)
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-m", message)
    return git(where, "rev-parse", "HEAD").stdout.strip()


def push(where: Path, *arguments: str) -> None:
    """Push, and stay silent about it."""
    git(where, "push", "--quiet", *arguments)


@contextmanager
def begun_push(client: Client) -> Iterator[None]:
    """A push of which only the beginning is sent before the connection ends."""
    shown = base64.b64encode(f"x:{TOKEN}".encode()).decode()
    request = (
        f"POST /{REPOSITORY}.git/git-receive-pack HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Basic {shown}\r\nContent-Length: 100000\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\n\r\n"
        "0000 the beginning of something"
    )
    host, _, port = client.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request.encode())
        yield


def processes_in(folder: Path) -> list[str]:
    """The command lines of the living processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve(strict=True).is_relative_to(folder.resolve()):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended
    return found


def eventually(holds: Callable[[], bool], within: float = 120.0) -> None:
    """Wait for a condition."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, "the condition never held"
        time.sleep(0.01)


@dataclass(frozen=True)
class Received:
    """One webhook as it arrived; the headers' names in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """A webhook's far end: it gives the listed answers in turn, then 202."""

    answers: list[int] = field(default_factory=list)
    hold: threading.Event | None = None
    received: list[Received] = field(default_factory=list)
    url: str = ""

    def take(self, received: Received) -> int:
        """Keep what arrived and say what to answer."""
        answer = self.answers[len(self.received)] if len(self.received) < len(self.answers) else 202
        self.received.append(received)
        if self.hold is not None:
            self.hold.wait(120)
        return answer


@contextmanager
def receiving(*answers: int, hold: threading.Event | None = None) -> Iterator[Receiver]:
    """A receiver on a free port; with `hold` it answers only once that is set."""
    receiver = Receiver(answers=list(answers), hold=hold)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Received(headers, body))
            try:
                self.send_response(status)
                self.end_headers()
            except OSError:
                pass  # a sender that no longer waits is what some tests are about

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/bitbucket-webhook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        if hold is not None:
            hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
