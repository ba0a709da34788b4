"""Tokens that may do less than the stand-in's own: which scopes a request needs, and who has them.

Scopes: https://developer.atlassian.com/cloud/bitbucket/rest/intro/#scopes. Those of API tokens
(`read:repository:bitbucket`) include no other; of the classic ones `repository:write` includes
`repository`.
"""

import hmac
import threading
from collections.abc import Mapping

from werkzeug.wrappers import Request

from local.bitbucket.answers import Refused

CLASSIC = {"repository", "repository:write", "webhook"}
GRANULAR = {
    "read:repository:bitbucket",
    "write:repository:bitbucket",
    "read:webhook:bitbucket",
    "write:webhook:bitbucket",
    "delete:webhook:bitbucket",
}
_GRANULAR_READ = {"GET": "read", "DELETE": "delete"}


class Tokens:
    """The tokens with less than all rights. They end with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scopes: dict[str, frozenset[str]] = {}

    def put(self, token: str, scopes: frozenset[str]) -> None:
        """Let a token do so much, from now on."""
        with self._lock:
            self._scopes[token] = scopes

    def revoke(self, token: str) -> None:
        """Let a token do nothing any more."""
        with self._lock:
            self._scopes.pop(token, None)

    def scopes(self, shown: str) -> frozenset[str] | None:
        """What a token may do; None if nobody knows it."""
        with self._lock:
            known = dict(self._scopes)
        found = None
        for token, scopes in known.items():
            if hmac.compare_digest(token.encode(), shown.encode()):
                found = scopes
        return found


def read_token(sent: Mapping[str, object]) -> tuple[str, frozenset[str]]:
    """The token that a request to the control route describes; refused with 400 if it is none."""
    token, scopes = sent.get("token"), sent.get("scopes")
    if not isinstance(token, str) or not token:
        raise Refused(400, "a token is a text")
    if not isinstance(scopes, list) or not set(map(str, scopes)) <= CLASSIC | GRANULAR:
        raise Refused(400, f"scopes are some of {sorted(CLASSIC | GRANULAR)}")
    return token, frozenset(scopes)


def check(request: Request, granted: frozenset[str]) -> None:
    """Refuse with 403 what the scopes do not cover."""
    needed = _needed(request, granular=bool(granted & GRANULAR))
    covered = granted | ({"repository"} if "repository:write" in granted else set())
    if needed not in covered:
        raise Refused(
            403,
            "Your credentials lack one or more required privilege scopes.",
            detail={"granted": sorted(granted), "required": [needed]},
        )


def _needed(request: Request, *, granular: bool) -> str:
    method, path = request.method, request.path
    if path.startswith("/2.0/") and "/hooks" in path:
        verb = _GRANULAR_READ.get(method, "write")
        return f"{verb}:webhook:bitbucket" if granular else "webhook"
    pushes = "git-receive-pack" in (request.args.get("service"), path.rpartition("/")[2])
    # A fetch by git and a question of Git LFS are POST requests, too.
    writes = pushes or (method != "GET" and path.startswith("/2.0/"))
    if granular:
        return "write:repository:bitbucket" if writes else "read:repository:bitbucket"
    return "repository:write" if writes else "repository"
