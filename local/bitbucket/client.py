"""Talks to a stand-in: for the launcher, for tests, and for a person with a Python prompt."""

import json
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import urllib3

Json = dict[str, Any]  # whatever the stand-in answers

TIMEOUT = urllib3.Timeout(connect=5, read=30)  # seconds


class AnswerError(Exception):
    """The stand-in refused a request."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status}, {body[:500]}")
        self.status = status
        self.body = body


class Client:
    """A stand-in on 127.0.0.1, known by its port and its token."""

    def __init__(self, port: int, token: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._token = token
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.clear()

    def git_url(self, full_name: str) -> str:
        """The address of a repository, with credentials, ready for `git clone`."""
        token = quote(self._token, safe="")
        return f"{self.url.replace('//', f'//x-token-auth:{token}@')}/{full_name}.git"

    def plain_git_url(self, full_name: str) -> str:
        """The address of a repository, for a git that is given `git_environment`."""
        return f"{self.url}/{full_name}.git"

    def git_environment(self) -> dict[str, str]:
        """An environment in which git has the credentials, out of its arguments, and no settings.

        Somebody's own configuration, a hook or a signature on each commit, has no place in it.
        """
        return os.environ | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Bearer {self._token}",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        """Ask for `path` and answer the JSON; AnswerError for a status from 400 on."""
        answer = self._http.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
            redirect=False,
        )
        if answer.status >= 400:
            raise AnswerError(method, path, answer.status, answer.data.decode(errors="replace"))
        return json.loads(answer.data) if answer.data else {}

    def values(self, path: str) -> list[Json]:
        """Every entry of a paginated list."""
        found: list[Json] = []
        following: str | None = path
        while following is not None:
            answer = self.request("GET", following)
            found += answer["values"]
            following = answer.get("next", "").removeprefix(self.url) or None
        return found

    def create_repository(self, full_name: str) -> Json:
        """Create an empty repository, or answer the one that is there: a restart finds its own."""
        path = f"/2.0/repositories/{full_name}"
        try:
            return self.request("GET", path)
        except AnswerError as error:
            if error.status != 404:
                raise
        return self.request("POST", path, {"scm": "git", "is_private": True})

    def add_hook(self, full_name: str, url: str, secret: str | None) -> Json:
        """Add a webhook for pushes; its `uuid` has braces, the header of a delivery has none."""
        return self.request(
            "POST",
            f"/2.0/repositories/{full_name}/hooks",
            {
                "description": "pushes",
                "url": url,
                "active": True,
                "events": ["repo:push"],
                "secret": secret,
            },
        )

    def hooks(self, full_name: str) -> list[Json]:
        """A repository's webhooks."""
        return self.values(f"/2.0/repositories/{full_name}/hooks?pagelen=100")

    def statuses(self, full_name: str, commit: str) -> list[Json]:
        """The build statuses of a commit (a hash or a branch)."""
        return self.values(
            f"/2.0/repositories/{full_name}/commit/{quote(commit)}/statuses?pagelen=100"
        )

    def comments(self, full_name: str, commit: str) -> list[Json]:
        """The comments on a commit."""
        return self.values(
            f"/2.0/repositories/{full_name}/commit/{quote(commit)}/comments?pagelen=100"
        )

    def downloads(self, full_name: str) -> list[Json]:
        """A repository's downloads, the newest first."""
        return self.values(f"/2.0/repositories/{full_name}/downloads?pagelen=100")

    def download(self, full_name: str, name: str) -> bytes:
        """The bytes of a download."""
        path = f"/{full_name}/downloads/{quote(name, safe='')}"
        answer = self._http.request("GET", self.url + path)
        if answer.status >= 400:
            raise AnswerError("GET", path, answer.status, answer.data.decode(errors="replace"))
        return answer.data

    def protect(self, full_name: str, pattern: str) -> None:
        """Refuse pushes to a branch, or to those of a pattern in which `*` is any text."""
        self.request("POST", f"/_control/protections/{full_name}", {"pattern": pattern})

    def unprotect(self, full_name: str, pattern: str) -> None:
        """Let pushes to the branches of a pattern through again."""
        narrowed = quote(pattern, safe="")
        self.request("DELETE", f"/_control/protections/{full_name}?pattern={narrowed}")

    def protections(self, full_name: str) -> list[str]:
        """The patterns of a repository's protected branches."""
        return [one["pattern"] for one in self.values(f"/_control/protections/{full_name}")]

    def status_history(self, full_name: str, commit: str | None = None) -> list[Json]:
        """Each status with every accepted write of it, oldest first, as `writes`."""
        narrowed = "" if commit is None else f"?commit={quote(commit, safe='')}"
        return self.values(f"/_control/statuses/{full_name}{narrowed}")

    def deliveries(self, full_name: str | None = None) -> list[Json]:
        """Every attempt to deliver a webhook, oldest first."""
        narrowed = "" if full_name is None else f"?repository={full_name}"
        return self.values(f"/_control/deliveries{narrowed}")

    def redeliver(self, delivery_id: int) -> Json:
        """Send a delivery's body once more."""
        return self.request("POST", f"/_control/deliveries/{delivery_id}/redeliver")

    def add_fault(self, **fault: object) -> Json:
        """Begin with a fault; the fields are those of `local.bitbucket.faults.Fault`."""
        return self.request("POST", "/_control/faults", fault)

    def go_away(self, *, seconds: float | None = None, closed: bool = False) -> Json:
        """Answer git, LFS, REST and pages with 503, or not at all, until `clear_faults`."""
        how: Json = {"closed": True} if closed else {"status": 503}
        return self.add_fault(path_prefix="/", seconds=seconds, **how)

    def put_token(self, token: str, *scopes: str) -> None:
        """Let a token do what its scopes cover: see `local.bitbucket.scopes`."""
        self.request("POST", "/_control/tokens", {"token": token, "scopes": scopes})

    def revoke_token(self, token: str) -> None:
        """Let such a token do nothing any more."""
        self.request("DELETE", "/_control/tokens", {"token": token})

    def faults(self) -> list[Json]:
        """Every fault since the start, with the number of requests it met as `injected`."""
        return self.values("/_control/faults")

    def clear_faults(self) -> None:
        """End every fault."""
        self.request("DELETE", "/_control/faults")
