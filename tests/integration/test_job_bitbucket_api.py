"""The job's comments and downloads on the stand-in, and what it makes of refusals and outages."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from container.bitbucket import Bitbucket, BitbucketRefused, BitbucketUnavailable
from container.credentials import Credentials
from container.processes import Interrupted
from local.bitbucket.client import Client
from tests.integration.bitbucket_stand_in import REPOSITORY, TOKEN, clone, commit, push, running

MARKER = "[cloud-run]: # (run 1)"
COMMIT = "c" * 40


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


def bitbucket(
    url: str,
    kind: str = "access_token",
    token: str = TOKEN,
    seconds: float = 600,
    pause: Any = None,
) -> Bitbucket:
    workspace, slug = REPOSITORY.split("/")
    return Bitbucket(
        f"{url}/2.0",
        Credentials(kind, "someone@localhost", token),
        lambda: token,
        workspace,
        slug,
        seconds=seconds,
        pause=pause or (lambda _seconds: None),
    )


def a_commit(client: Client, tmp_path: Path) -> str:
    where = clone(client, tmp_path / "clone")
    sha = commit(where, files={"a": "1"})
    push(where, "origin", "HEAD:main")
    return sha


def texts(client: Client, sha: str) -> list[str]:
    return [comment["content"]["raw"] for comment in client.comments(REPOSITORY, sha)]


@pytest.mark.parametrize("kind", ["access_token", "api_token", "oauth"])
def test_a_report_is_one_comment_that_later_tries_change(
    client: Client, tmp_path: Path, kind: str
) -> None:
    sha = a_commit(client, tmp_path)
    path = f"/2.0/repositories/{REPOSITORY}/commit/{sha}/comments"
    client.request("POST", path, {"content": {"raw": "somebody's words"}})

    first = bitbucket(client.url, kind).comment(sha, MARKER, f"running\n\n{MARKER}")
    second = bitbucket(client.url, kind).comment(sha, MARKER, f"done\n\n{MARKER}")

    assert texts(client, sha) == ["somebody's words", f"done\n\n{MARKER}"]
    assert first == second
    assert f"/commits/{sha}#comment-" in first


def test_a_report_is_found_behind_many_comments_and_not_where_it_was_deleted(
    client: Client, tmp_path: Path
) -> None:
    sha = a_commit(client, tmp_path)
    path = f"/2.0/repositories/{REPOSITORY}/commit/{sha}/comments"
    deleted = client.request("POST", path, {"content": {"raw": MARKER}})
    client.request("DELETE", f"{path}/{deleted['id']}")
    for number in range(101):
        client.request("POST", path, {"content": {"raw": f"comment {number}"}})
    client.request("POST", path, {"content": {"raw": f"old {MARKER}"}})

    bitbucket(client.url).comment(sha, MARKER, f"new {MARKER}")

    assert len(texts(client, sha)) == 102
    assert texts(client, sha)[-1] == f"new {MARKER}"


def test_a_comment_whose_answer_was_lost_is_not_posted_again(
    client: Client, tmp_path: Path
) -> None:
    sha = a_commit(client, tmp_path)
    client.add_fault(status=502, count=1, method="POST", after=True)

    bitbucket(client.url).comment(sha, MARKER, f"done {MARKER}")

    assert texts(client, sha) == [f"done {MARKER}"]


def test_what_bitbucket_asks_for_is_waited_for(client: Client, tmp_path: Path) -> None:
    sha = a_commit(client, tmp_path)
    client.add_fault(status=429, retry_after=4, count=1)
    client.add_fault(status=503, count=1)
    pauses: list[float] = []

    bitbucket(client.url, pause=pauses.append).comment(sha, MARKER, MARKER)

    assert pauses == [4, 8]
    assert texts(client, sha) == [MARKER]


def test_a_commit_that_the_api_does_not_show_yet_is_waited_for(
    client: Client, tmp_path: Path
) -> None:
    sha = a_commit(client, tmp_path)
    client.add_fault(status=404, count=2)
    pauses: list[float] = []

    bitbucket(client.url, pause=pauses.append).comment(sha, MARKER, MARKER)

    assert pauses == [2, 8]
    assert texts(client, sha) == [MARKER]


def test_a_sigterm_ends_the_waiting(client: Client, tmp_path: Path) -> None:
    sha = a_commit(client, tmp_path)
    client.add_fault(status=503)

    def interrupted(_seconds: float) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        bitbucket(client.url, pause=interrupted).comment(sha, MARKER, MARKER)


def test_a_picture_is_uploaded_to_the_downloads_and_uploaded_again_replaces_itself(
    client: Client,
) -> None:
    name = "roc é #1.png"
    bitbucket(client.url).upload(name, b"an older picture", "image/png")

    address = bitbucket(client.url).upload(name, b"\x89PNG\r\n\x00", "image/png")

    assert address == f"https://bitbucket.org/{REPOSITORY}/downloads/roc%20%C3%A9%20%231.png"
    listed = client.values(f"/2.0/repositories/{REPOSITORY}/downloads")
    assert [(one["name"], one["size"]) for one in listed] == [(name, 7)]


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, 'wrong or have expired, or lack the permission "repository"'),
        (403, 'the credentials lack the permission "repository"'),
        (404, "no such repository or commit"),
        (400, "malformed or too long"),
        (410, "Bitbucket refuses it"),
    ],
)
def test_a_refusal_says_what_is_missing_and_nothing_of_the_page_or_token(
    client: Client, status: int, hint: str
) -> None:
    client.add_fault(status=status)

    with pytest.raises(BitbucketRefused) as refused:
        bitbucket(client.url, seconds=0).comment(COMMIT, MARKER, MARKER)

    assert hint in str(refused.value)
    assert refused.value.status == status
    assert "<" not in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_an_upload_that_is_refused_names_the_permission_to_write(client: Client) -> None:
    client.add_fault(status=403)

    with pytest.raises(BitbucketRefused, match=r'uploading a file: .* "repository:write"'):
        bitbucket(client.url).upload("a.png", b"", "image/png")


def test_a_bitbucket_that_is_away_is_unavailable_once_patience_ends() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{reserved.getsockname()[1]}"

        with pytest.raises(BitbucketUnavailable, match=r"no answer \(ConnectionRefusedError\)"):
            bitbucket(gone, seconds=0).comment(COMMIT, MARKER, MARKER)


@dataclass
class Scripted:
    """A server with one answer for each method and path: status, headers, body."""

    url: str = ""
    answers: dict[str, tuple[int, dict[str, str], Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = f"{self.command} {self.path.partition('?')[0].rpartition('/')[2]}"
            script.asked.append(asked)
            status, headers, body = script.answers[asked]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


def test_a_redirection_is_not_followed_with_the_credentials() -> None:
    with scripted() as elsewhere, scripted() as bitbucket_moved:
        location = {"Location": f"{elsewhere.url}/comments"}
        bitbucket_moved.answers["GET comments"] = (302, location, b"")

        with pytest.raises(BitbucketRefused, match="leads to another address"):
            bitbucket(bitbucket_moved.url).comment(COMMIT, MARKER, MARKER)

        assert elsewhere.asked == []


def test_a_list_that_goes_on_at_another_host_is_not_followed() -> None:
    with scripted() as elsewhere, scripted() as server:
        server.answers["GET comments"] = (200, {}, {"values": [], "next": f"{elsewhere.url}/2"})

        with pytest.raises(BitbucketRefused, match="leads to another address"):
            bitbucket(server.url).comment(COMMIT, MARKER, MARKER)

        assert elsewhere.asked == []


def test_a_marked_comment_of_somebody_else_is_left_alone_and_ours_is_posted() -> None:
    ours = {"links": {"html": {"href": "https://bitbucket.org/ours"}}}
    theirs = {"id": 7, "deleted": False, "content": {"raw": f"copied: {MARKER}"}}
    with scripted() as server:
        server.answers = {
            "GET comments": (200, {}, {"values": [theirs]}),
            "PUT 7": (403, {}, {"error": {"message": "not yours"}}),
            "POST comments": (201, {}, ours),
        }

        address = bitbucket(server.url).comment(COMMIT, MARKER, MARKER)

        assert address == "https://bitbucket.org/ours"
        assert server.asked == ["GET comments", "PUT 7", "POST comments"]


@pytest.mark.parametrize("answer", [b"<html>hello</html>", {"values": 3}, {"values": [{}]}])
def test_an_answer_of_another_form_counts_as_none(answer: Any) -> None:
    with scripted() as server:
        server.answers["GET comments"] = (200, {}, answer)

        with pytest.raises(BitbucketUnavailable, match="commenting: "):
            bitbucket(server.url, seconds=0).comment(COMMIT, MARKER, MARKER)
