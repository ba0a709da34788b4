"""Bitbucket Cloud's REST API, as far as the product calls it outside of jobs."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from shared.bitbucket_access import (
    Access,
    CommitGone,
    Credentials,
    CredentialsRefused,
    ReadsSecrets,
    UnexpectedAnswer,
    oauth_url,
)
from shared.events import Repository

__all__ = [
    "Bitbucket",
    "CommitGone",
    "Credentials",
    "CredentialsRefused",
    "ReadsSecrets",
    "UnexpectedAnswer",
    "oauth_url",
]

_GIT_URL = "https://bitbucket.org"
_PAGE_LENGTH = 100
# More comments than that nobody writes on one commit.
_MOST_COMMENTS = 5_000


class Bitbucket:
    """Calls the API at `url`, such as `https://api.bitbucket.org/2.0`.

    `secret` names the credentials' secret; one called `<secret>/<slug>` wins for its repository.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        secrets: ReadsSecrets,
        *,
        git_url: str = _GIT_URL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url.rstrip("/")
        self._access = Access(secret, secrets, git_url, clock)

    def post_status(self, repository: Repository, commit: str, status: dict[str, str]) -> None:
        """Create or overwrite the commit's build status of that key.

        Raises:
            CommitGone: there is no such commit.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the status malformed, which is a bug of ours.

        """
        url = f"{self._of(repository.full_name)}/commit/{quote(commit, safe='')}/statuses/build"
        doing = "posting build status"
        self._access.call("POST", url, repository.slug, doing, json.dumps(status).encode())

    def comment(self, repository: Repository, commit: str, marker: str, text: str) -> None:
        """Let the commit carry one comment of ours that holds `marker`, with this text.

        Whatever was posted before is looked for first, for an answer that is lost may have been
        heard.

        Raises:
            CommitGone: there is no such commit.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the text malformed or too long.

        """
        doing = "commenting"
        path = f"/commit/{quote(commit, safe='')}/comments"
        url = f"{self._of(repository.full_name)}{path}"
        body = json.dumps({"content": {"raw": text}}).encode()
        listed = self.read_all(repository.full_name, f"{path}?pagelen={_PAGE_LENGTH}", doing)
        for known in itertools.islice(listed, _MOST_COMMENTS):
            if known.get("deleted") or marker not in known["content"]["raw"]:
                continue
            try:
                self._access.call("PUT", f"{url}/{known['id']}", repository.slug, doing, body)
            except (CommitGone, CredentialsRefused):
                continue  # somebody else's, of an earlier token perhaps, or deleted meanwhile
            return
        self._access.call("POST", url, repository.slug, doing, body)

    def read(self, full_name: str, path: str, doing: str) -> dict[str, Any]:
        """What Bitbucket answers about a repository (`workspace/slug`); `path` is below it.

        Raises:
            CommitGone: there is no such thing, or not for these credentials.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the question malformed, or answers no JSON.

        """
        return self._read(f"{self._of(full_name)}{path}", full_name.partition("/")[2], doing)

    def read_all(self, full_name: str, path: str, doing: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list that comes in pages; raises as `read` does."""
        page = self.read(full_name, path, doing)
        yield from page["values"]
        while "next" in page:
            # It is called with our credentials, so it has to lead to where they belong.
            if not page["next"].startswith(f"{self._url}/"):
                message = f"{doing}: the next page is not below {self._url}"
                raise UnexpectedAnswer(message)
            page = self._read(page["next"], full_name.partition("/")[2], doing)
            yield from page["values"]

    def _read(self, url: str, slug: str, doing: str) -> dict[str, Any]:
        answer = self._access.call("GET", url, slug, doing)
        try:
            told: dict[str, Any] = answer.json()
        except ValueError:
            message = f"{doing}: Bitbucket answered something that is no JSON"
            raise UnexpectedAnswer(message) from None
        return told

    def _of(self, full_name: str) -> str:
        workspace, _, slug = full_name.partition("/")
        owner = f"{quote(workspace, safe='')}/{quote(slug, safe='')}"
        return f"{self._url}/repositories/{owner}"
