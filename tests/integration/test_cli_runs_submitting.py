"""`cloud-runner runs submit` between the Bitbucket stand-in and moto's AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.bitbucket.client import Client
from shared.arguments import split
from shared.runs import Run, request_run_id
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    clone,
    commit,
    git,
    push,
    running,
)
from tests.integration.command_line import NAMES
from tests.integration.runs_account import RunsAccount, empty, runs_account
from tests.samples import NOW

AUTH = "acme/development/bitbucket-auth"


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp("bitbucket")) as client:
        yield client


@pytest.fixture(scope="module")
def anybodys(stand_in: Client) -> Iterator[RunsAccount]:
    outputs = {
        "BitbucketApiUrl": f"{stand_in.url}/2.0",
        "BitbucketGitUrl": stand_in.url,
    }
    with runs_account(outputs) as stack:
        secret = json.dumps({"kind": "access_token", "token": TOKEN})
        stack.here.client("secretsmanager").create_secret(Name=AUTH, SecretString=secret)
        yield stack


@pytest.fixture
def stack(
    anybodys: RunsAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunsAccount]:
    """The account; whoever types is in a folder that is no working copy."""
    monkeypatch.chdir(tmp_path)
    with empty(anybodys) as stack:
        yield stack


@pytest.fixture(scope="module")
def work(stand_in: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose branch main is at Bitbucket."""
    work = clone(stand_in, tmp_path_factory.mktemp("work") / "clone")
    commit(work, "first")
    push(work, "origin", "HEAD:refs/heads/main")
    return work


@pytest.fixture
def head(work: Path) -> str:
    """The commit at the head of main."""
    git(work, "checkout", "--quiet", "-B", "main", "origin/main")
    return git(work, "rev-parse", "HEAD").stdout.strip()


def submitted(stack: RunsAccount) -> Run:
    """The run that was asked for just now."""
    (request,) = stack.sent("runs")
    run = stack.store.get(request_run_id(NAMES.stack, "")) or stack.store.get(
        next(iter(stack.store.latest("requested"))).run_id
    )
    assert run is not None
    assert request.detail == {"run_id": run.run_id, "attempt": 1}
    return run


def test_a_run_is_asked_for_as_keywords_would_ask(stack: RunsAccount, head: str) -> None:
    numbers = ("--gpus", "2", "--memory", "8192", "--vcpus", "4")
    words = ("train", "-S", "note=two words", "-S", 'model={"depth": 3}')
    said = stack.type("submit", "--repository", REPOSITORY, *numbers, "--experiment", "--", *words)
    run = submitted(stack)

    assert run.asked.arguments is not None
    assert split(run.asked.arguments) == list(words)
    assert (run.asked.gpus, run.asked.memory_mib, run.asked.vcpus) == (2, 8192, 4)
    assert run.asked.experiment
    assert not run.asked.quiet
    assert (run.branch, run.commit) == ("main", head)
    assert run.pushed_by.id is not None
    assert run.pushed_by.id.startswith("arn:aws:")
    assert run.run_id in said.stdout
    assert [one.detail["run_id"] for one in stack.sent("heard")] == [run.run_id]


def test_in_a_clone_its_repository_and_branch_are_meant(
    stack: RunsAccount, work: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(work, "checkout", "--quiet", "-B", "feature/x")
    pushed = commit(work, "pushed")
    push(work, "--force", "origin", "HEAD:refs/heads/feature/x")
    monkeypatch.chdir(work)
    said = stack.type("submit")
    run = submitted(stack)

    assert run.repository is not None
    assert run.repository.full_name == REPOSITORY
    assert (run.branch, run.commit) == ("feature/x", pushed)
    assert "note:" not in said.stderr


def test_somebody_who_has_not_pushed_is_told(
    stack: RunsAccount, work: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = commit(work, "not pushed")
    monkeypatch.chdir(work)
    said = stack.type("submit").stderr

    assert f"Bitbucket has main at {head[:12]}, your working copy at {ahead[:12]}" in said
    assert submitted(stack).commit == head


@pytest.mark.parametrize("length", [7, 40])
def test_a_commit_is_named_by_its_hash(stack: RunsAccount, head: str, length: int) -> None:
    stack.type("submit", "--repository", REPOSITORY, "--ref", head[:length])

    assert (submitted(stack).branch, submitted_commit(stack)) == ("main", head)


def submitted_commit(stack: RunsAccount) -> str | None:
    return next(iter(stack.store.latest("requested"))).commit


def test_asking_twice_with_one_request_id_is_asking_once(stack: RunsAccount, head: str) -> None:
    words = ("submit", "--repository", REPOSITORY, "--request-id", "nightly", "--json")
    first = json.loads(stack.type(*words, "--", "train").stdout)
    stack.move(request_run_id(NAMES.stack, "nightly"), state="succeeded", stopped_at=NOW)
    stack.sent("runs")
    second = stack.type(*words, "--", "other")

    assert (
        first["run_id"]
        == json.loads(second.stdout)["run_id"]
        == request_run_id(NAMES.stack, "nightly")
    )
    assert "has asked for something else before, which stands: run train" in second.stderr
    assert stack.sent("runs") == []


def test_the_request_id_is_told_before_anything_is_sent(
    stack: RunsAccount, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shared.run_store.RunStore.create", killed)
        said = stack.type("submit", "--repository", REPOSITORY, code=1).stderr
    (request_id,) = (line.split()[1] for line in said.splitlines() if line.startswith("request "))
    again = stack.type(
        "submit", "--repository", REPOSITORY, "--request-id", request_id, "--json"
    ).stdout

    assert json.loads(again)["run_id"] == request_run_id(NAMES.stack, request_id)


def test_what_is_asked_for_twice_is_sent_again_until_somebody_took_it(
    stack: RunsAccount, head: str
) -> None:
    words = ("submit", "--repository", REPOSITORY, "--request-id", "once")
    stack.type(*words)
    stack.type(*words)

    assert len(stack.sent("runs")) == 2  # the submitter takes the first, and knows the second


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--memory", "32GB"), "memory is a whole number of MiB: write 32768"),
        (("--gpus", "9"), "GPUs are a whole number from 0 to 8: write 8"),
        (("--vcpus", ""), "vCPUs are a whole number: write 1"),
        (("--experiment", "--", "--params", "a"), "--params takes name=value"),
        (("--", "a 'b' \"c\" d"), "which cannot be written in one"),
        (("--", "two\nlines"), "a line's end"),
        (("--request-id", "two words"), "printable ASCII characters without spaces"),
        (("--json", "--watch"), "leave out one"),
    ],
)
def test_what_keywords_could_not_ask_for_is_refused_before_anything_is_sent(
    stack: RunsAccount, head: str, words: tuple[str, ...], said: str
) -> None:
    assert said in stack.type("submit", "--repository", REPOSITORY, *words, code=2).stderr
    assert list(stack.store.latest("requested")) == []


def test_a_repository_or_commit_that_is_not_there_is_said(stack: RunsAccount, head: str) -> None:
    unknown = stack.type("submit", "--repository", "acme/nothing", code=1).stderr
    branch = stack.type("submit", "--repository", REPOSITORY, "--ref", "nowhere", code=1).stderr
    nothing = stack.type("submit", code=2).stderr

    assert "Bitbucket shows no repository acme/nothing" in unknown
    assert "has no branch, tag or commit nowhere: has it been pushed?" in branch
    assert "which repository? --repository WORKSPACE/SLUG" in nothing


def test_a_submitted_run_is_watched_to_its_end(stack: RunsAccount, head: str) -> None:
    run_id = request_run_id(NAMES.stack, "watched")
    stack.meanwhile = [lambda: stack.move(run_id, state="succeeded", stopped_at=NOW)]
    words = ("--repository", REPOSITORY, "--request-id", "watched", "--watch")

    assert "succeeded" in stack.type("submit", *words).stdout
