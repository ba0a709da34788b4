"""Pushes to the Bitbucket stand-in: of other refs than branches, leased, and of protected ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.bitbucket.client import AnswerError, Client
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    clone,
    commit,
    git,
    push,
    running,
)

EXPERIMENT = "refs/exps/ab/cdef0123/lucky-run"


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def work(stand_in: Client, tmp_path: Path) -> Path:
    """A clone with one pushed commit on main, pushed before there was a webhook."""
    work = clone(stand_in, tmp_path / "work")
    commit(work, "first")
    push(work, "origin", "HEAD:main")
    stand_in.add_hook(REPOSITORY, "http://127.0.0.1:9/refused", None)
    return work


def heads(work: Path) -> dict[str, str]:
    """Every ref of the remote and its hash."""
    lines = git(work, "ls-remote", "origin").stdout.splitlines()
    return {ref: head for head, ref in (line.split("\t") for line in lines)}


def test_a_ref_that_is_neither_branch_nor_tag_is_listed_fetched_and_deleted(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    head = commit(work, "an experiment")
    push(work, "origin", f"HEAD:{EXPERIMENT}")
    again = clone(stand_in, tmp_path / "again")
    listed = heads(again)
    git(again, "fetch", "--quiet", "origin", f"{EXPERIMENT}:{EXPERIMENT}")
    push(again, "origin", f":{EXPERIMENT}")

    assert listed[EXPERIMENT] == head
    assert git(again, "rev-parse", EXPERIMENT).stdout.strip() == head
    assert EXPERIMENT not in heads(again)


def test_no_webhook_tells_of_a_push_that_moved_no_branch_or_tag(
    stand_in: Client, work: Path
) -> None:
    commit(work, "an experiment")
    push(work, "origin", f"HEAD:{EXPERIMENT}")
    untold = stand_in.deliveries(REPOSITORY)
    both = commit(work, "both")
    push(work, "--force", "origin", f"HEAD:{EXPERIMENT}", "HEAD:main")

    assert untold == []
    assert [d["heads"] for d in stand_in.deliveries(REPOSITORY) if d["attempt"] == 1] == [[both]]


def test_an_experiment_does_not_become_the_main_branch(stand_in: Client, tmp_path: Path) -> None:
    work = clone(stand_in, tmp_path / "work")
    commit(work)
    push(work, "origin", f"HEAD:{EXPERIMENT}")
    push(work, "origin", "HEAD:trunk")

    assert git(work, "ls-remote", "--symref", "origin", "HEAD").stdout.startswith(
        "ref: refs/heads/trunk"
    )


def test_a_push_with_a_lease_moves_the_branch_only_from_where_it_was_seen(
    stand_in: Client, work: Path, tmp_path: Path
) -> None:
    seen = heads(work)["refs/heads/main"]
    git(work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "other")
    other = git(work, "rev-parse", "HEAD").stdout.strip()
    push(work, f"--force-with-lease=main:{seen}", "origin", "HEAD:main")
    git(work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "late")
    stale = git(work, "push", f"--force-with-lease=main:{seen}", "origin", "HEAD:main", check=False)

    assert stale.returncode != 0
    assert "stale info" in stale.stderr
    assert heads(work)["refs/heads/main"] == other


def test_a_push_to_a_protected_branch_is_refused_in_bitbuckets_words(
    stand_in: Client, work: Path
) -> None:
    before = heads(work)
    stand_in.protect(REPOSITORY, "main")
    head = commit(work, "second")
    refused = git(work, "push", "origin", "HEAD:main", check=False)
    beside = git(work, "push", "origin", "HEAD:main", "HEAD:beside", check=False)
    deleted = git(work, "push", "origin", ":main", check=False)
    unmoved = heads(work)
    push(work, "origin", "HEAD:results/main/1", f"HEAD:{EXPERIMENT}")
    untold = [one for one in stand_in.deliveries(REPOSITORY) if one["attempt"] == 1]
    stand_in.unprotect(REPOSITORY, "main")
    push(work, "origin", "HEAD:main")

    assert refused.returncode != 0
    assert "remote: Permission denied to update branch main." in refused.stderr
    assert "! [remote rejected] HEAD -> main (pre-receive hook declined)" in refused.stderr
    assert "! [remote rejected] HEAD -> beside (pre-receive hook declined)" in beside.stderr
    assert "! [remote rejected] main (pre-receive hook declined)" in deleted.stderr
    assert unmoved == before
    assert len(untold) == 1
    assert heads(work)["refs/heads/main"] == head


@pytest.mark.parametrize(
    ("pattern", "name", "refused"),
    [
        ("main", "main", True),
        ("main", "maintenance", False),
        ("main", "feature/main", False),
        ("release/*", "release/1.0", True),
        ("release/*", "release", False),
        ("*", "feature/x", True),
        ("*-prod", "eu/west-prod", True),
        ("$(id)-`x`-\"'", "$(id)-`x`-\"'", True),
        ("имя-*", "имя-1", True),
    ],
)
def test_a_pattern_protects_the_branches_that_it_matches(
    stand_in: Client, work: Path, pattern: str, name: str, refused: bool
) -> None:
    stand_in.protect(REPOSITORY, pattern)
    commit(work, "second")

    pushed = git(work, "push", "origin", f"HEAD:refs/heads/{name}", check=False)

    assert ("pre-receive hook declined" in pushed.stderr) is refused
    assert (pushed.returncode != 0) is refused


def test_a_tag_of_a_protected_name_can_be_pushed(stand_in: Client, work: Path) -> None:
    stand_in.protect(REPOSITORY, "*")

    push(work, "origin", "HEAD:refs/tags/main")

    assert "refs/tags/main" in heads(work)


def test_protections_are_listed_ended_and_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "state") as client:
        client.create_repository("acme/other")
        for pattern in ("main", "release/*", "main"):
            client.protect(REPOSITORY, pattern)

    with running(tmp_path / "state") as client:
        kept, others = client.protections(REPOSITORY), client.protections("acme/other")
        client.unprotect(REPOSITORY, "release/*")
        with pytest.raises(AnswerError) as unknown:
            client.unprotect(REPOSITORY, "release/*")

        assert kept == ["main", "release/*"]
        assert others == []
        assert client.protections(REPOSITORY) == ["main"]
        assert unknown.value.status == 404


@pytest.mark.parametrize("pattern", ["", "two words", "a?", "[ab]", "a\\b", "a\nb"])
def test_a_pattern_that_no_branch_could_match_is_refused(stand_in: Client, pattern: str) -> None:
    with pytest.raises(AnswerError) as caught:
        stand_in.protect(REPOSITORY, pattern)

    assert caught.value.status == 400
