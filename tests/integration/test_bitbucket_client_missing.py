"""What is missing at Bitbucket, and why: the client on the stand-in and a real push."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.bitbucket.client import Client
from shared.bitbucket import Bitbucket, NotFound, RepositoryHidden
from shared.events import Repository
from shared.secrets import Secrets
from tests.fakes import SecretTexts
from tests.integration.bitbucket_answers import SECRET, STATUS
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    clone,
    commit,
    push,
    running,
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


def ours(client: Client, full_name: str = REPOSITORY) -> Repository:
    """The repository as a record has it, which was pushed to under a name."""
    uuid = client.request("GET", f"/2.0/repositories/{REPOSITORY}")["uuid"]
    return Repository(uuid=uuid, full_name=full_name)


def product(client: Client) -> Bitbucket:
    """The product's client, which has the stand-in's token."""
    texts = SecretTexts(**{SECRET: json.dumps({"kind": "access_token", "token": TOKEN})})
    return Bitbucket(f"{client.url}/2.0", SECRET, Secrets(texts))


def test_a_commit_that_is_not_there_yet_has_its_status_once_it_is(
    client: Client, tmp_path: Path
) -> None:
    where = clone(client, tmp_path / "clone")
    sha = commit(where, files={"a": "1"})
    with pytest.raises(NotFound, match="posting build status: 404"):
        product(client).post_status(ours(client), sha, STATUS)

    push(where, "origin", "HEAD:main")
    product(client).post_status(ours(client), sha, STATUS)

    assert [one["state"] for one in client.statuses(REPOSITORY, sha)] == [STATUS["state"]]


def test_a_repository_that_is_hidden_is_told_from_a_commit_that_is_missing(
    client: Client, tmp_path: Path
) -> None:
    where = clone(client, tmp_path / "clone")
    sha = commit(where, files={"a": "1"})
    push(where, "origin", "HEAD:main")
    hidden = ours(client)
    client.add_fault(status=404, path_prefix="/2.0/repositories/")
    with pytest.raises(RepositoryHidden, match=f"shows no repository {REPOSITORY}"):
        product(client).post_status(hidden, sha, STATUS)
    with pytest.raises(RepositoryHidden, match=f"shows no repository {REPOSITORY}"):
        product(client).comment(hidden, sha, "marker", "a text with its marker")

    client.clear_faults()
    product(client).post_status(hidden, sha, STATUS)

    assert [one["state"] for one in client.statuses(REPOSITORY, sha)] == [STATUS["state"]]
    assert client.comments(REPOSITORY, sha) == []


def test_a_repository_that_was_deleted_looks_like_a_hidden_one(client: Client) -> None:
    deleted = Repository(uuid="{gone}", full_name="acme/deleted")

    with pytest.raises(RepositoryHidden, match="lost access to it, or it was deleted"):
        product(client).post_status(deleted, "c" * 40, STATUS)


def test_a_repository_that_was_renamed_while_a_run_was_open_gets_status_and_report(
    client: Client, tmp_path: Path
) -> None:
    where = clone(client, tmp_path / "clone")
    sha = commit(where, files={"a": "1"})
    push(where, "origin", "HEAD:main")
    before = ours(client, "a-workspace-of-before/an-old-name")

    product(client).post_status(before, sha, STATUS)
    for text in ("first marker", "second marker"):
        product(client).comment(before, sha, "marker", text)

    assert [one["state"] for one in client.statuses(REPOSITORY, sha)] == [STATUS["state"]]
    assert [one["content"]["raw"] for one in client.comments(REPOSITORY, sha)] == ["second marker"]
