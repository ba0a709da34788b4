"""A Bitbucket stand-in that is away: git, LFS and REST alike get a 503, or no answer at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from local.bitbucket.client import Client
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    clone,
    commit,
    eventually,
    git,
    push,
    running,
)

PATHS = [
    f"/2.0/repositories/{REPOSITORY}",
    f"/{REPOSITORY}.git/info/refs?service=git-upload-pack",
    f"/{REPOSITORY}.git/info/lfs/locks/verify",
    f"/{REPOSITORY}/downloads/loss.png",
    "/site/oauth2/access_token",
    "/",
]


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def work(stand_in: Client, tmp_path: Path) -> Path:
    work = clone(stand_in, tmp_path / "work")
    commit(work, files={"a.txt": "text"})
    return work


def ask(client: Client, path: str) -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return urllib3.request("GET", client.url + path, headers=headers, retries=False, timeout=60)


@pytest.mark.parametrize("path", PATHS)
def test_away_it_answers_503_to_everything(stand_in: Client, path: str) -> None:
    stand_in.go_away()

    assert ask(stand_in, path).status == 503


@pytest.mark.parametrize("path", PATHS)
def test_away_it_can_end_every_connection_unanswered(stand_in: Client, path: str) -> None:
    stand_in.go_away(closed=True)

    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask(stand_in, path)


@pytest.mark.parametrize("closed", [False, True])
def test_a_push_fails_while_it_is_away_and_succeeds_once_it_is_back(
    stand_in: Client, work: Path, closed: bool
) -> None:
    stand_in.go_away(closed=closed)
    away = git(work, "push", "origin", "HEAD", check=False)
    stand_in.clear_faults()
    push(work, "origin", "HEAD")

    assert away.returncode != 0
    assert ("Empty reply from server" if closed else "503") in away.stderr
    assert stand_in.faults()[0]["injected"] >= 1


def test_it_comes_back_by_itself_when_its_time_is_over(stand_in: Client) -> None:
    stand_in.go_away(seconds=5)

    assert ask(stand_in, "/").status == 503
    eventually(lambda: ask(stand_in, "/").status == 200)


def test_a_push_whose_answer_is_lost_has_moved_the_branch(stand_in: Client, work: Path) -> None:
    stand_in.add_fault(
        closed=True, after=True, count=1, path_prefix=f"/{REPOSITORY}.git/git-receive-pack"
    )

    pushed = git(work, "push", "origin", "HEAD:main", check=False)

    head = git(work, "rev-parse", "HEAD").stdout.strip()
    assert pushed.returncode != 0
    assert git(work, "ls-remote", "origin", "main").stdout.startswith(head)
