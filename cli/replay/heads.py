"""What Bitbucket says of a repository and of its branches' heads.

Answers: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-refs/.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from services.webhook.push import Push
from shared.events import CommitPushed, Model, Repository

_LARGEST_PAGE = 100  # developer.atlassian.com, "Pagination"


class _Commit(Model):
    hash: str
    message: str | None = None
    date: datetime | None = None


class Head(Model):
    """A branch and the commit that it points to; `date` is the commit's own, if it has one."""

    name: str
    target: _Commit

    @property
    def commit(self) -> str:
        """The commit's hash."""
        return self.target.hash

    def pushed(self, repository: Repository, prefix: str, now: datetime) -> CommitPushed:
        """The event that the webhook sends when a push moves the branch here.

        Who pushed is nobody's to tell any more: Bitbucket knows the author alone.
        """
        target = {"hash": self.target.hash, "message": self.target.message}
        new = {"type": "branch", "name": self.name, "target": target}
        push = Push.model_validate(
            {"repository": repository, "push": {"changes": [{"new": new, "old": None}]}}
        )
        (event,) = push.commits(prefix, now)
        return event


class ReadsBitbucket(Protocol):
    """Bitbucket's API, as far as heads need it."""

    def read(self, full_name: str, path: str, doing: str) -> dict[str, Any]:
        """One answer about a repository."""

    def read_all(self, full_name: str, path: str, doing: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list of a repository's."""


def repository(bitbucket: ReadsBitbucket, full_name: str) -> Repository:
    """A repository with its uuid, under the name that Bitbucket calls it by."""
    return Repository.model_validate(bitbucket.read(full_name, "", f"asking about {full_name}"))


def heads(bitbucket: ReadsBitbucket, full_name: str) -> Iterator[Head]:
    """The head of every branch."""
    path = f"/refs/branches?pagelen={_LARGEST_PAGE}"
    for branch in bitbucket.read_all(full_name, path, f"listing the branches of {full_name}"):
        yield Head.model_validate(branch)
