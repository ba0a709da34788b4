"""Connections that a function has kept while it was frozen are dead, and it does not know it."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from services.submitter.jobs import SubmitterJobs
from shared.aws import Clients
from shared.bitbucket import Bitbucket
from shared.secrets import Secrets
from tests.fakes import Clock, SecretTexts
from tests.integration.bitbucket_answers import SECRET, STATUS
from tests.samples import COMMIT, REGION, REPOSITORY

QUEUE = f"arn:aws:batch:{REGION}:123456789012:job-queue/cpu"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST at once
_ANSWERS = {
    "/v1/submitjob": {"jobId": "job-1", "jobName": "n"},
    "/v1/listjobs": {"jobSummaryList": []},
}


class _Handler(BaseHTTPRequestHandler):
    """Answers the first request of a connection, and resets it at the second."""

    protocol_version = "HTTP/1.1"
    timeout = 120
    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked += 1
        if self.asked > 1:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            return
        text = json.dumps(_ANSWERS.get(self.path, {"values": []})).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def shutdown_request(self, request: Any) -> None:
        """Close without the orderly end that would come before a reset."""
        self.close_request(request)


@contextmanager
def _serving() -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def url() -> Iterator[str]:
    """A server that forgets a connection once it has served one request."""
    with _serving() as url:
        yield url


@pytest.fixture
def jobs(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SubmitterJobs]:
    """What the submitter submits with, Batch being that server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BATCH", url)
    batch = Clients(REGION).make("batch", attempts=1)
    yield SubmitterJobs(batch)
    batch.close()


def _job() -> dict[str, Any]:
    return {"jobName": "n", "jobQueue": QUEUE, "jobDefinition": "d"}


def _bitbucket(url: str) -> Bitbucket:
    texts = SecretTexts(**{SECRET: json.dumps({"kind": "access_token", "token": "t0k3n"})})
    return Bitbucket(url, SECRET, Secrets(texts, Clock().seconds))


def test_an_idle_connection_of_this_server_is_dead(url: str) -> None:
    with urllib3.PoolManager(retries=False) as http:
        http.request("POST", url)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            http.request("POST", url)


def test_no_job_is_submitted_over_a_connection_that_was_idle(jobs: SubmitterJobs) -> None:
    submitted = [jobs.submit(_job()) for _ in range(3)]

    assert submitted == ["job-1"] * 3


def test_no_job_is_looked_for_over_a_connection_that_was_idle(jobs: SubmitterJobs) -> None:
    found = [jobs.find(QUEUE, "n") for _ in range(2)]

    assert found == [None, None]
    assert jobs.submit(_job()) == "job-1"


def test_no_status_is_posted_over_a_connection_that_was_idle(url: str) -> None:
    bitbucket = _bitbucket(url)

    for _ in range(3):
        bitbucket.post_status(REPOSITORY, COMMIT, STATUS)


def test_no_comment_is_written_over_a_connection_that_was_idle(url: str) -> None:
    bitbucket = _bitbucket(url)

    for _ in range(2):
        bitbucket.comment(REPOSITORY, COMMIT, "marker", "text")
