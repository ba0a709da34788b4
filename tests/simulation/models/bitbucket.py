"""Bitbucket Cloud's HTTP: build statuses, comments, repositories, tokens.

What it accepts and answers is as in the stand-in of `local.bitbucket`, which tells the sources; an
OAuth token ends after two hours (Bitbucket Cloud documentation, "Use OAuth on Bitbucket Cloud").
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from local.bitbucket.comments import LONGEST
from local.bitbucket.fields import LONGEST_KEY, LONGEST_TEXT, LONGEST_URL, STATES
from tests.simulation.models.ports import Chooses, Later, Now

URL = "https://api.bitbucket.org/2.0"
GIT_URL = "https://bitbucket.org"
_OAUTH_PATH = "/site/oauth2/access_token"
_OAUTH_SECONDS = 7200
_REPOSITORY = re.compile(r"/2\.0/repositories/([^/]+)/([^/]+)(/.*)?")
_COMMIT = re.compile(r"/commit/([^/]+)/(statuses/build|comments)(?:/([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, as far as urllib3's is read."""

    status: int
    data: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body's content."""
        return json.loads(self.data)


class Posted(NamedTuple):
    """A build status that was posted: when, on which commit of `workspace/slug`, and what."""

    at: float
    repository: str
    commit: str
    key: str
    status: dict[str, str]


class Bitbucket:
    """Answers what `urllib3.PoolManager.request` asks of Bitbucket.

    `uuids` tell the repositories (workspace/slug) by their uuids, in braces. One that was renamed
    is known here by the name that it had; `renamed` tells that by the one that it has.
    `commits` are those that exist, as (workspace/slug, commit); others are answered 404. So is all
    that is about a repository (workspace/slug) in `hidden`, to which nobody has access. `tokens`
    are the values of `Authorization` that are accepted; whoever rotates a token changes them.
    `consumers` are those that ask for an OAuth token. `statuses` are the latest by (workspace/slug,
    commit, key), `history` all in their order; `comments` the texts of a commit's by their ids.
    """

    def __init__(self, now: Now, choices: Chooses, later: Later) -> None:
        del choices, later  # what may happen to a request, happens around this
        self._now = now
        self.uuids: dict[str, str] = {}
        self.renamed: dict[str, str] = {}
        self.commits: set[tuple[str, str]] = set()
        self.hidden: set[str] = set()
        self.tokens: set[str] = set()
        self.consumers: set[str] = set()
        self.statuses: dict[tuple[str, str, str], dict[str, str]] = {}
        self.history: list[Posted] = []
        self.comments: dict[tuple[str, str], dict[int, str]] = {}
        self._granted: dict[str, float] = {}
        self._last_comment = 0

    def first_name(self, full_name: str) -> str:
        """The name by which a repository (workspace/slug) is known here."""
        return self.renamed.get(full_name, full_name)

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        redirect: bool = False,
    ) -> Answer:
        """Bitbucket's answer to a call."""
        del redirect  # it never answers with one here
        parts = urlsplit(url)
        shown = (headers or {}).get("Authorization", "")
        if parts.path == _OAUTH_PATH:
            return self._grant(shown)
        if shown not in self.tokens and self._granted.get(shown, 0) <= self._now():
            return _error(401, "Token is invalid, expired, or not supported for this endpoint.")
        found = _REPOSITORY.fullmatch(parts.path)
        if found is None:
            return _error(404, "Resource not found")
        workspace, slug, rest = unquote(found[1]), unquote(found[2]), found[3]
        # Empty braces for the workspace: by the repository's uuid alone.
        full_name = self.uuids.get(slug, slug) if workspace == "{}" else f"{workspace}/{slug}"
        if workspace != "{}" and full_name in self.renamed.values():
            return _error(404, "Repository not found")
        full_name = self.first_name(full_name)
        if full_name in self.hidden:
            return _error(404, "You may not have access to this repository or it no longer exists")
        if not rest:
            return _answer(200, {"full_name": full_name})
        return self._about_commit(method, url, full_name, rest, body)

    def _about_commit(
        self, method: str, url: str, full_name: str, rest: str, body: bytes | None
    ) -> Answer:
        found = _COMMIT.fullmatch(rest)
        if found is None:
            return _error(404, "Resource not found")
        sha, what, number = found.groups()
        commit = (full_name, unquote(sha))
        if commit not in self.commits:
            return _error(404, "Commit not found")
        if what == "comments":
            return self._commented(method, commit, number and int(number), body, url)
        return self._posted(commit, json.loads(body or b"null"))

    def _grant(self, shown: str) -> Answer:
        if shown not in self.consumers:
            return _error(401, "invalid_client")
        token = f"granted-{len(self._granted) + 1}"
        self._granted[f"Bearer {token}"] = self._now() + _OAUTH_SECONDS
        return _answer(200, {"access_token": token, "expires_in": _OAUTH_SECONDS})

    def _posted(self, commit: tuple[str, str], status: dict[str, str]) -> Answer:
        longest = {"key": LONGEST_KEY, "url": LONGEST_URL, "name": LONGEST_TEXT}
        longest |= {"description": LONGEST_TEXT, "refname": LONGEST_TEXT}
        wrong = [name for name, most in longest.items() if len(status.get(name, "")) > most]
        wrong += [name for name in ("key", "url") if not status.get(name)]
        if status.get("state") not in STATES:
            wrong.append("state")
        if wrong:
            return _error(400, f"Bad request: {', '.join(wrong)}")
        key = status["key"]
        known = (*commit, key) in self.statuses
        self.statuses[*commit, key] = status
        self.history.append(Posted(self._now(), *commit, key, status))
        return _answer(200 if known else 201, status)

    def _commented(
        self,
        method: str,
        commit: tuple[str, str],
        number: int | str | None,
        body: bytes | None,
        url: str,
    ) -> Answer:
        known = self.comments.setdefault(commit, {})
        if method == "GET":
            return _page(known, url)
        if isinstance(number, int) and number not in known:
            return _error(404, "Comment not found")
        raw = json.loads(body or b"null")["content"]["raw"]
        if not raw or len(raw) > LONGEST:
            return _error(400, "Bad request: content")
        if not isinstance(number, int):
            self._last_comment += 1
            number = self._last_comment
        known[number] = raw
        return _answer(201 if method == "POST" else 200, _comment(number, raw))


def _page(known: dict[int, str], url: str) -> Answer:
    """A page of comments, the oldest first."""
    query = dict(parse_qsl(urlsplit(url).query))
    page, length = int(query.get("page", 1)), int(query.get("pagelen", 10))
    start = (page - 1) * length
    numbers = sorted(known)
    values = [_comment(number, known[number]) for number in numbers[start : start + length]]
    more = {}
    if start + length < len(numbers):
        more["next"] = f"{url.partition('?')[0]}?pagelen={length}&page={page + 1}"
    return _answer(200, {"values": values, "page": page, "pagelen": length, **more})


def _comment(number: int, raw: str) -> dict[str, Any]:
    return {"id": number, "deleted": False, "content": {"raw": raw}}


def _answer(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _error(status: int, message: str) -> Answer:
    return _answer(status, {"type": "error", "error": {"message": message}})
