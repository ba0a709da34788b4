"""Which commit a name stands for, over what Bitbucket answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from cli.account import AccountError
from cli.sources import source
from shared.bitbucket import NotFound

HEAD, OLD, TAGGED = "a" * 40, "b" * 40, "c" * 40


class Answers:
    """A repository of Bitbucket's: its branches, tags and commits."""

    def __init__(
        self,
        branches: dict[str, str],
        tags: dict[str, str] | None = None,
        commits: tuple[str, ...] = (HEAD, OLD, TAGGED),
        main: str | None = "main",
    ) -> None:
        self.branches = branches
        self.tags = tags
        self.commits = commits
        self.main = main

    def read(self, full_name: str, path: str, doing: str) -> dict[str, Any]:
        if path.startswith("/commit/"):
            found = [one for one in self.commits if one.startswith(path.removeprefix("/commit/"))]
            if not found:
                raise NotFound(doing)
            return {"hash": found[0]}
        main = None if self.main is None else {"name": self.main}
        return {"uuid": "{u}", "full_name": full_name, "mainbranch": main}

    def read_all(self, full_name: str, path: str, doing: str) -> Iterator[dict[str, Any]]:
        if "/refs/tags" in path and self.tags is None:
            raise NotFound(doing)
        found = (self.tags or {}) if "/refs/tags" in path else self.branches
        yield from ({"name": name, "target": {"hash": head}} for name, head in found.items())


BRANCHES = {"main": HEAD, "feature/x": OLD}


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (None, ("main", HEAD)),
        ("feature/x", ("feature/x", OLD)),
        ("v1", ("main", TAGGED)),
        (OLD, ("feature/x", OLD)),
        (OLD[:7].upper(), ("feature/x", OLD)),
        (TAGGED[:7], ("main", TAGGED)),
    ],
)
def test_a_name_is_a_branch_a_tag_or_a_commit(ref: str | None, expected: tuple[str, str]) -> None:
    found = source(Answers(BRANCHES, {"v1": TAGGED}), "team/churn", ref)

    assert (found.branch, found.commit) == expected


def test_a_branch_wins_over_a_tag_and_a_commit_of_its_name() -> None:
    answers = Answers(BRANCHES | {"bbbbbbb": HEAD}, {"bbbbbbb": TAGGED})

    assert source(answers, "team/churn", "bbbbbbb").commit == HEAD


def test_the_head_of_several_branches_belongs_to_the_main_one() -> None:
    answers = Answers({"a": HEAD, "main": HEAD})

    assert source(answers, "team/churn", HEAD).branch == "main"


def test_a_server_without_tags_has_none() -> None:
    with pytest.raises(AccountError, match="has no branch, tag or commit v1: has it been pushed"):
        source(Answers(BRANCHES), "team/churn", "v1")


def test_an_empty_repository_asks_for_a_name() -> None:
    with pytest.raises(AccountError, match="has no main branch: name a branch or a commit"):
        source(Answers({}, main=None), "team/churn", None)
