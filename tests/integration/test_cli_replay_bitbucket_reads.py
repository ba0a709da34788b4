"""Reading from Bitbucket with the services' credentials: pages, rotated tokens, strange links."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.bitbucket import Bitbucket, NotFound, UnexpectedAnswer
from shared.secrets import Secrets
from tests.fakes import Clock, SecretTexts

SECRET = "acme/testing/bitbucket-auth"
NAME = "team/churn-model"


class Server:
    """A Bitbucket that answers each path as it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.token = "t0k3n"
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shown = self.headers.get("Authorization")
                server.asked.append((self.path, shown))
                status, body = server.answers.get(self.path, (404, {}))
                if shown != f"Bearer {server.token}":
                    status, body = 401, {}
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self._thread.join()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def store() -> SecretTexts:
    return SecretTexts(**{SECRET: json.dumps({"kind": "access_token", "token": "t0k3n"})})


@pytest.fixture
def bitbucket(server: Server, store: SecretTexts) -> Bitbucket:
    clock = Clock()
    return Bitbucket(f"{server.url}/2.0/", SECRET, Secrets(store, clock.seconds))


def test_a_repository_is_read_with_the_credentials(server: Server, bitbucket: Bitbucket) -> None:
    server.answers["/2.0/repositories/team/churn-model"] = (200, {"uuid": "{5a3c}"})

    assert bitbucket.read(NAME, "", "asking") == {"uuid": "{5a3c}"}
    assert server.asked == [("/2.0/repositories/team/churn-model", "Bearer t0k3n")]


def test_names_are_quoted_in_the_path(server: Server, bitbucket: Bitbucket) -> None:
    with pytest.raises(NotFound):
        bitbucket.read("{te}am/sl?ug", "/refs/branches", "asking")
    assert server.asked[0][0] == "/2.0/repositories/%7Bte%7Dam/sl%3Fug/refs/branches"


def test_every_page_of_a_list_is_read(server: Server, bitbucket: Bitbucket) -> None:
    path = "/2.0/repositories/team/churn-model/refs/branches"
    second = f"{server.url}{path}?page=2"
    server.answers[f"{path}?pagelen=2"] = (200, {"values": [{"n": 1}, {"n": 2}], "next": second})
    server.answers[f"{path}?page=2"] = (200, {"values": [{"n": 3}]})
    found = list(bitbucket.read_all(NAME, "/refs/branches?pagelen=2", "listing"))

    assert found == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_next_page_elsewhere_is_not_asked_with_our_credentials(
    server: Server, bitbucket: Bitbucket
) -> None:
    path = "/2.0/repositories/team/churn-model/refs/branches"
    server.answers[path] = (200, {"values": [], "next": f"{server.url}/3.0/elsewhere"})

    with pytest.raises(ValueError, match="listing: the next page is not below"):
        list(bitbucket.read_all(NAME, "/refs/branches", "listing"))
    assert len(server.asked) == 1


def test_an_answer_that_is_no_json_is_told_as_such(
    server: Server, bitbucket: Bitbucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/2.0/repositories/team/churn-model"] = (200, {})
    monkeypatch.setattr(json, "dumps", lambda _body: "<html>sign in</html>")

    with pytest.raises(UnexpectedAnswer, match="something that is no JSON"):
        bitbucket.read(NAME, "", "asking")


def test_a_token_rotated_within_the_minute_works_at_once(
    server: Server, bitbucket: Bitbucket, store: SecretTexts
) -> None:
    server.answers["/2.0/repositories/team/churn-model"] = (200, {})
    bitbucket.read(NAME, "", "asking")
    server.token = "new"
    store.texts[SECRET] = json.dumps({"kind": "access_token", "token": "new"})

    assert bitbucket.read(NAME, "", "asking") == {}
    assert [shown for _, shown in server.asked] == ["Bearer t0k3n", "Bearer t0k3n", "Bearer new"]
