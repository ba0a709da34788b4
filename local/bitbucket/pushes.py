"""What a git push changed, and the body of the webhook that tells of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from local.bitbucket.answers import Json
from local.bitbucket.git import Commit, Git
from local.bitbucket.repositories import Repository
from local.bitbucket.shapes import (
    Addresses,
    account,
    commit_json,
    link,
    rendered_text,
    repository_json,
)

# Bitbucket lists the newest five commits of a change: https://jira.atlassian.com/browse/BSERV-11847
LISTED_COMMITS = 5
REFS = {"refs/heads/": "branch", "refs/tags/": "tag"}
# Run by git after it moved the refs. What it notes is complete once it has its final name.
POST_RECEIVE = """#!/bin/sh
{ printf '%s\\n%s\\n' "$STAND_IN_REPOSITORY" "$STAND_IN_ACTOR"; cat; } >"$STAND_IN_PUSH.part" &&
    mv "$STAND_IN_PUSH.part" "$STAND_IN_PUSH"
"""


@dataclass(frozen=True, slots=True)
class RefChange:
    """One ref that a push moved; a hash is None where the ref did not or does not exist."""

    old: str | None
    new: str | None
    ref: str

    @property
    def kind(self) -> str | None:
        """`branch` or `tag`; None for the refs that Bitbucket does not tell of."""
        return next((kind for start, kind in REFS.items() if self.ref.startswith(start)), None)

    @property
    def name(self) -> str:
        """The branch's or tag's plain name."""
        return self.ref.split("/", 2)[-1]


@dataclass(frozen=True, slots=True)
class Push:
    """One push: to which repository (its full name), by whom, and the refs it moved."""

    repository: str
    actor: str
    changes: tuple[RefChange, ...]

    @property
    def branches(self) -> list[str]:
        """The branches that exist after the push because of it."""
        return [change.name for change in self.changes if change.kind == "branch" and change.new]


def read_note(note: bytes) -> Push:
    """What the post-receive hook noted: repository, actor, then `old new ref` a line."""
    repository, actor, *lines = note.decode(errors="replace").split("\n")
    changes = []
    for line in filter(None, lines):
        old, new, ref = line.split(" ", 2)
        changes.append(RefChange(_known(old), _known(new), ref))
    return Push(repository, actor, tuple(changes))


def _known(object_hash: str) -> str | None:
    return object_hash if object_hash.strip("0") else None


def webhook_body(
    push: Push, repository: Repository, git: Git, addresses: Addresses
) -> bytes | None:
    """The body of the `repo:push` webhook; None if no branch or tag moved."""
    changes = [
        _change_json(change, repository, git, addresses) for change in push.changes if change.kind
    ]
    if not changes:
        return None
    body = {
        "push": {"changes": changes},
        "repository": repository_json(repository, addresses),
        "actor": account(push.actor, addresses),
    }
    return json.dumps(body).encode()


def heads(push: Push, git: Git) -> list[str]:
    """The commits that the moved branches and tags now show, each once."""
    found = (git.target(change.new) for change in push.changes if change.kind and change.new)
    return list(dict.fromkeys(commit.hash for commit in found if commit is not None))


def _change_json(change: RefChange, repository: Repository, git: Git, addresses: Addresses) -> Json:
    old = change.old and _ref_json(change, change.old, repository, git, addresses)
    new = change.new and _ref_json(change, change.new, repository, git, addresses)
    told: Json = {
        "old": old or None,
        "new": new or None,
        "created": change.old is None,
        "closed": change.new is None,
        "forced": False,
        "truncated": False,
        "links": _change_links(change, repository, addresses),
    }
    if change.kind == "branch" and change.new is not None:
        without = [f"^{change.old}"] if change.old else []
        newest = git.commits(change.new, *without, limit=LISTED_COMMITS + 1)
        told["commits"] = [
            _commit_json(commit, repository, addresses) for commit in newest[:LISTED_COMMITS]
        ]
        told["truncated"] = len(newest) > LISTED_COMMITS
        told["forced"] = change.old is not None and not git.is_ancestor(change.old, change.new)
    return told


def _ref_json(
    change: RefChange, object_hash: str, repository: Repository, git: Git, addresses: Addresses
) -> Json:
    target = git.target(object_hash)
    described: Json = {
        "type": change.kind,
        "name": change.name,
        "target": target and _commit_json(target, repository, addresses),
        "links": _ref_links(change, repository, addresses),
    }
    if change.kind == "branch":
        described["merge_strategies"] = ["merge_commit", "squash", "fast_forward"]
        described["default_merge_strategy"] = "merge_commit"
    elif tag := git.tag(object_hash):
        described |= {"message": tag.message, "date": tag.date, "tagger": {"raw": tag.tagger}}
    return described


def _commit_json(commit: Commit, repository: Repository, addresses: Addresses) -> Json:
    """A commit with what webhooks carry beyond the published API description."""
    return {
        **commit_json(commit, repository, addresses),
        "summary": {"type": "rendered", **rendered_text(commit.message)},
        "rendered": {},
        "properties": {},
    }


def _ref_links(
    change: RefChange, repository: Repository, addresses: Addresses
) -> Mapping[str, object]:
    api = f"{addresses.api}/repositories/{repository.full_name}"
    plural = "branches" if change.kind == "branch" else "tags"
    return {
        "self": link(f"{api}/refs/{plural}/{change.name}"),
        "commits": link(f"{api}/commits/{change.name}"),
        "html": link(f"{addresses.pages}/{repository.full_name}/"),
    }


def _change_links(
    change: RefChange, repository: Repository, addresses: Addresses
) -> Mapping[str, object]:
    api = f"{addresses.api}/repositories/{repository.full_name}"
    if change.new is None:
        return {}
    commits = f"{api}/commits?include={change.new}"
    if change.old is None:
        return {"commits": link(commits)}
    return {
        "commits": link(f"{commits}&exclude={change.old}"),
        "diff": link(f"{api}/diff/{change.new}..{change.old}"),
        "html": link(f"{addresses.pages}/{repository.full_name}/"),
    }
