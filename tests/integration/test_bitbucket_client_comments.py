"""The comment of a report: posted once, replaced from then on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.bitbucket import CredentialsRefused, NotFound, RepositoryHidden, UnexpectedAnswer
from tests.integration.bitbucket_answers import Caller, Server, answering, bearer
from tests.samples import COMMIT, REPOSITORY

COMMENTS = f"/2.0/repositories/%7B%7D/%7B5a3c%7D/commit/{COMMIT}/comments"
MARKER = '"cloud-sweep:4f2a"'
TEXT = f"done {MARKER}"
NOTHING: dict[str, Any] = {"values": []}


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as server:
        yield server


def listed(*texts: str, following: str | None = None) -> tuple[int, dict[str, str], bytes]:
    """A page of comments, with ids from 1."""
    values = [{"id": place, "content": {"raw": text}} for place, text in enumerate(texts, 1)]
    page = {"values": values} | ({"next": following} if following else {})
    return 200, {}, json.dumps(page).encode()


def comment(caller: Caller) -> None:
    caller.bitbucket.comment(REPOSITORY, COMMIT, MARKER, TEXT)


def asked(server: Server) -> list[str]:
    return [path for path, _, _ in server.requests]


def test_the_first_comment_is_posted(server: Server) -> None:
    server.answers = [listed("somebody's words")]
    comment(bearer(server))

    assert asked(server) == [f"{COMMENTS}?pagelen=100", COMMENTS]
    assert json.loads(server.requests[1][2]) == {"content": {"raw": TEXT}}


def test_a_comment_that_is_there_is_replaced_on_whatever_page_it_stands(server: Server) -> None:
    following = f"{server.url}{COMMENTS}?page=2"
    server.answers = [listed("other", following=following), listed("x", f"older {MARKER}")]
    comment(bearer(server))

    assert asked(server)[-1] == f"{COMMENTS}/2"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [403, 404])
def test_a_comment_of_somebody_else_stays_and_another_is_posted(
    server: Server, status: int
) -> None:
    server.answers = [listed(f"theirs {MARKER}"), (status, {}, b"")]
    comment(bearer(server))

    assert asked(server)[1:] == [f"{COMMENTS}/1", COMMENTS]


def test_a_deleted_comment_is_none(server: Server) -> None:
    deleted = {"values": [{"id": 1, "deleted": True, "content": {"raw": ""}}]}
    server.answers = [(200, {}, json.dumps(deleted).encode())]
    comment(bearer(server))

    assert asked(server)[-1] == COMMENTS


def test_a_comment_on_a_hidden_repository_says_that_it_is_hidden(server: Server) -> None:
    server.answers = [(404, {}, b"{}")] * 2

    with pytest.raises(RepositoryHidden, match="commenting: Bitbucket shows no repository"):
        comment(bearer(server))
    assert asked(server) == [f"{COMMENTS}?pagelen=100", COMMENTS.partition("/commit/")[0]]


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFound), (403, CredentialsRefused), (400, UnexpectedAnswer)],
)
def test_a_refusal_says_what_it_means(server: Server, status: int, error: type[Exception]) -> None:
    server.answers = [listed(), (status, {}, b"no")]

    with pytest.raises(error, match=f"commenting: {status}"):
        comment(bearer(server))
