"""Real git against the Bitbucket stand-in."""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from local.bitbucket.client import Client
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    begun_push,
    clone,
    commit,
    eventually,
    git,
    processes_in,
    push,
    running,
)


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def work(stand_in: Client, tmp_path: Path) -> Path:
    return clone(stand_in, tmp_path / "work")


def test_a_first_push_to_an_empty_repository_comes_back_in_a_clone(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    head = commit(work, files={"a.txt": "text"})
    push(work, "origin", "HEAD")

    again = clone(stand_in, tmp_path / "again")

    assert (again / "a.txt").read_text() == "text"
    assert git(again, "rev-parse", "HEAD").stdout.strip() == head


def test_the_first_branch_pushed_is_the_one_that_a_clone_checks_out(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    git(work, "checkout", "--quiet", "-b", "trunk")
    commit(work, files={"a.txt": "text"})
    push(work, "origin", "trunk")

    again = clone(stand_in, tmp_path / "again")

    assert git(again, "branch", "--show-current").stdout.strip() == "trunk"


def test_a_shallow_clone_has_one_commit(stand_in: Client, work: Path, tmp_path: Path) -> None:
    commit(work, "one")
    commit(work, "two")
    push(work, "origin", "HEAD")

    shallow = clone(stand_in, tmp_path / "shallow", "--depth=1")

    assert git(shallow, "log", "--format=%s").stdout.split() == ["two"]


def test_a_push_of_thirty_megabytes_travels_in_chunks_and_back(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    size = 30_000_000
    with Path("/dev/urandom").open("rb") as source:
        (work / "large").write_bytes(source.read(size))
    commit(work)
    pushed = git(work, "push", "origin", "HEAD", GIT_TRACE_CURL="2", GIT_TRACE_CURL_NO_DATA="1")

    again = clone(stand_in, tmp_path / "again")

    assert "Transfer-Encoding: chunked" in pushed.stderr
    assert (again / "large").stat().st_size == size


def test_a_fetch_whose_request_is_gzip_encoded_is_understood(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    commit(work, "shared")
    push(work, "origin", "HEAD")
    again = clone(stand_in, tmp_path / "again")
    for number in range(60):
        # Of a later second than the shared one, or git would offer that one early, in a short body.
        date = f"@{4_102_444_800 + number} +0000"
        git(again, "commit", "--quiet", "--allow-empty", "-m", "here", GIT_COMMITTER_DATE=date)
    wanted = commit(work, "wanted")
    push(work, "origin", "HEAD")

    fetched = git(again, "fetch", "origin", GIT_TRACE_CURL="2", GIT_TRACE_CURL_NO_DATA="1")

    assert "Content-Encoding: gzip" in fetched.stderr
    assert git(again, "rev-parse", "origin/main").stdout.strip() == wanted


def test_eight_clones_at_once_all_succeed(stand_in: Client, work: Path, tmp_path: Path) -> None:
    commit(work, files={"a.txt": "text" * 100_000})
    push(work, "origin", "HEAD")

    with ThreadPoolExecutor(8) as pool:
        clones = list(pool.map(lambda n: clone(stand_in, tmp_path / f"clone{n}"), range(8)))

    assert all((one / "a.txt").stat().st_size == 400_000 for one in clones)


@pytest.mark.parametrize(
    "name",
    [
        "feature/x",
        "feature/ünïcode-名前",
        "non\u00a0breaking\u2028space",
        "a#b%20c&d=e+f",
        "x'\"<y>",
    ],
)
def test_a_branch_of_any_name_that_git_allows_can_be_pushed_read_and_deleted(
    stand_in: Client, work: Path, name: str
) -> None:
    commit(work)
    push(work, "origin", "HEAD:refs/heads/main")
    head = commit(work, "on the branch")
    push(work, "origin", f"HEAD:refs/heads/{name}")

    found = stand_in.statuses(REPOSITORY, name)
    remote = git(work, "-c", "core.quotePath=false", "ls-remote", "origin", f"refs/heads/{name}")
    push(work, "origin", f":refs/heads/{name}")

    assert found == []
    assert remote.stdout.split("\t")[0] == head
    assert git(work, "ls-remote", "origin", f"refs/heads/{name}").stdout == ""


def test_a_force_push_moves_the_branch(stand_in: Client, work: Path) -> None:
    commit(work, "one")
    push(work, "origin", "HEAD")
    git(work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "other")
    refused = git(work, "push", "origin", "HEAD", check=False)
    push(work, "--force", "origin", "HEAD")

    found = stand_in.request("GET", f"/2.0/repositories/{REPOSITORY}/commit/main")

    assert refused.returncode != 0
    assert found["message"] == "other\n"


def test_pushes_to_many_branches_at_once_all_arrive(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    commit(work)
    push(work, "origin", "HEAD")
    stand_in.add_hook(REPOSITORY, "http://127.0.0.1:9/refused", None)
    places = [clone(stand_in, tmp_path / f"at{number}") for number in range(6)]
    heads = [commit(place, f"at {place.name}") for place in places]

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda place: push(place, "origin", f"HEAD:b-{place.name}"), places))

    told = [d["heads"] for d in stand_in.deliveries(REPOSITORY) if d["attempt"] == 1]
    assert sorted(told) == sorted([head] for head in heads)


@pytest.mark.parametrize("user", ["x-token-auth", "x-bitbucket-api-token-auth", "someone"])
def test_git_authenticates_with_any_user_and_the_token(
    stand_in: Client, tmp_path: Path, user: str
) -> None:
    shown = base64.b64encode(f"{user}:{TOKEN}".encode()).decode()
    header = f"http.extraHeader=Authorization: Basic {shown}"

    listed = git(tmp_path, "-c", header, "ls-remote", f"{stand_in.url}/{REPOSITORY}.git")

    assert listed.returncode == 0


def test_git_authenticates_with_a_bearer_token(stand_in: Client, tmp_path: Path) -> None:
    header = f"http.extraHeader=Authorization: Bearer {TOKEN}"

    listed = git(tmp_path, "-c", header, "ls-remote", f"{stand_in.url}/{REPOSITORY}.git")

    assert listed.returncode == 0


def test_git_without_the_token_is_asked_for_it(stand_in: Client, tmp_path: Path) -> None:
    address = f"{stand_in.url}/{REPOSITORY}.git"
    refused = git(
        tmp_path, "ls-remote", address.replace("//", "//x-token-auth:wrong@"), check=False
    )
    answer = urllib3.request("GET", f"{address}/info/refs?service=git-upload-pack", timeout=60)

    assert refused.returncode != 0
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", ["HEAD", "config", "objects/info/packs", "info/../config"])
def test_only_the_smart_protocol_is_served(stand_in: Client, path: str) -> None:
    answer = urllib3.request(
        "GET",
        f"{stand_in.url}/{REPOSITORY}.git/{path}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
    )

    assert answer.status == 404


def test_an_unknown_repository_cannot_be_cloned(stand_in: Client, tmp_path: Path) -> None:
    refused = git(tmp_path, "clone", stand_in.git_url("acme/other"), check=False)

    assert refused.returncode != 0
    assert "not found" in refused.stderr


def test_a_push_that_breaks_off_changes_nothing_and_leaves_no_process(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    head = commit(work)
    push(work, "origin", "HEAD")
    with begun_push(stand_in):
        eventually(lambda: bool(processes_in(tmp_path / "state")))

    eventually(lambda: not processes_in(tmp_path / "state"))
    assert git(work, "ls-remote", "origin", "main").stdout.split("\t")[0] == head
