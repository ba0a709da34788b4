"""Bitbucket Cloud's REST API, as far as the product calls it outside of jobs."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from shared.bitbucket_access import Access, oauth_url
from shared.bitbucket_credentials import Credentials, ReadsSecrets
from shared.bitbucket_refusals import (
    CredentialsRefused,
    NotFound,
    RepositoryHidden,
    UnexpectedAnswer,
)
from shared.events import Repository

__all__ = [
    "Bitbucket",
    "Credentials",
    "CredentialsRefused",
    "NotFound",
    "ReadsSecrets",
    "RepositoryHidden",
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
            NotFound: Bitbucket shows the repository, and no such commit in it.
            RepositoryHidden: it does not show the repository.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the status malformed, which is a bug of ours.

        """
        url = f"{self._of(repository)}/commit/{quote(commit, safe='')}/statuses/build"
        doing = "posting build status"
        with self._showing(repository, doing):
            self._access.call("POST", url, repository.slug, doing, json.dumps(status).encode())

    def comment(self, repository: Repository, commit: str, marker: str, text: str) -> None:
        """Let the commit carry one comment of ours that holds `marker`, with this text.

        Whatever was posted before is looked for first, for an answer that is lost may have been
        heard.

        Raises:
            NotFound: Bitbucket shows the repository, and no such commit in it.
            RepositoryHidden: it does not show the repository.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the text malformed or too long.

        """
        doing = "commenting"
        with self._showing(repository, doing):
            self._comment(repository, commit, marker, text, doing)

    def _comment(
        self, repository: Repository, commit: str, marker: str, text: str, doing: str
    ) -> None:
        url = f"{self._of(repository)}/commit/{quote(commit, safe='')}/comments"
        body = json.dumps({"content": {"raw": text}}).encode()
        listed = self._read_all(f"{url}?pagelen={_PAGE_LENGTH}", repository.slug, doing)
        for known in itertools.islice(listed, _MOST_COMMENTS):
            if known.get("deleted") or marker not in known["content"]["raw"]:
                continue
            try:
                self._access.call("PUT", f"{url}/{known['id']}", repository.slug, doing, body)
            except (NotFound, CredentialsRefused):
                continue  # somebody else's, of an earlier token perhaps, or deleted meanwhile
            return
        self._access.call("POST", url, repository.slug, doing, body)

    def read(self, full_name: str, path: str, doing: str) -> dict[str, Any]:
        """What Bitbucket answers about a repository (`workspace/slug`); `path` is below it.

        Raises:
            NotFound: there is no such thing, or not for these credentials.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the question malformed, or answers no JSON.

        """
        return self._read(f"{self._named(full_name)}{path}", full_name.partition("/")[2], doing)

    def read_all(self, full_name: str, path: str, doing: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list that comes in pages; raises as `read` does."""
        url = f"{self._named(full_name)}{path}"
        yield from self._read_all(url, full_name.partition("/")[2], doing)

    def _read_all(self, url: str, slug: str, doing: str) -> Iterator[dict[str, Any]]:
        page = self._read(url, slug, doing)
        yield from page["values"]
        while "next" in page:
            # It is called with our credentials, so it has to lead to where they belong.
            if not page["next"].startswith(f"{self._url}/"):
                message = f"{doing}: the next page is not below {self._url}"
                raise UnexpectedAnswer(message)
            page = self._read(page["next"], slug, doing)
            yield from page["values"]

    @contextmanager
    def _showing(self, repository: Repository, doing: str) -> Iterator[None]:
        """Tell a commit that is missing from one whose repository is hidden as a whole."""
        try:
            yield
        except NotFound:
            try:
                self._access.call("GET", self._of(repository), repository.slug, doing)
            except NotFound:
                message = (
                    f"{doing}: Bitbucket shows no repository {repository.full_name} to these "
                    "credentials: they have lost access to it, or it was deleted"
                )
                raise RepositoryHidden(message) from None
            raise

    def _read(self, url: str, slug: str, doing: str) -> dict[str, Any]:
        answer = self._access.call("GET", url, slug, doing)
        try:
            told: dict[str, Any] = answer.json()
        except ValueError:
            message = f"{doing}: Bitbucket answered something that is no JSON"
            raise UnexpectedAnswer(message) from None
        return told

    def _of(self, repository: Repository) -> str:
        """The address of a repository: by its uuid, which stays when it is renamed or moved.

        The workspace may be renamed as well, and is left empty. Bitbucket Cloud's REST reference,
        "URI, UUID, and structures": "Repository object and UUID".
        """
        uuid = repository.uuid.strip("{}")
        if not uuid:
            return self._named(repository.full_name)
        return f"{self._url}/repositories/%7B%7D/%7B{quote(uuid, safe='')}%7D"

    def _named(self, full_name: str) -> str:
        workspace, _, slug = full_name.partition("/")
        owner = f"{quote(workspace, safe='')}/{quote(slug, safe='')}"
        return f"{self._url}/repositories/{owner}"
