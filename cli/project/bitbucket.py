"""Bitbucket Cloud as `project` calls it: a repository, whether we may push to it, its webhooks.

Shapes and answers: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-webhooks/.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from cli.project.credentials import git_user
from cli.project.http import Answer, Sends
from cli.project.webhooks import Hook, plain
from shared.bitbucket import Credentials, oauth_url

DESCRIPTION = "DVC Cloud Runner"
# No webhook has it: asking to change it shows whether we might change one.
_NOBODY = "{00000000-0000-0000-0000-000000000000}"


class Refused(click.ClickException):
    """Bitbucket answered with an error, or with what makes no sense.

    `scopes` are those that it said were missing.
    """

    def __init__(self, doing: str, status: int, said: str, scopes: tuple[str, ...]) -> None:
        super().__init__(f"{doing}: Bitbucket answered {status}{f', {said}' if said else ''}")
        self.status = status
        self.scopes = scopes


@dataclass(frozen=True)
class Repository:
    """A repository as Bitbucket spells it."""

    full_name: str
    uuid: str


class Bitbucket:
    """The API at `api_url` (ending in `/2.0`) and the repositories at `git_url`."""

    def __init__(self, send: Sends, api_url: str, git_url: str, credentials: Credentials) -> None:
        self._send = send
        self._api = api_url.rstrip("/")
        self._git = git_url.rstrip("/")
        self.credentials = credentials
        self._token: str | None = None

    def repository(self, full_name: str) -> Repository:
        """The repository; Refused if there is none or we may not read it."""
        told = self._call("GET", f"/repositories/{full_name}", "reading the repository")
        return Repository(told["full_name"], told["uuid"])

    def check_push(self, full_name: str) -> None:
        """Ask as a push does before it sends anything; Refused if we may not push."""
        url = f"{self._git}/{full_name}.git/info/refs?service=git-receive-pack"
        header = _basic(git_user(self.credentials), self._password())
        answer = self._send("GET", url, {"Authorization": header})
        _check(answer, "asking for a push")

    def check_hooks(self, full_name: str) -> None:
        """Refused if we may not see webhooks, or not change them."""
        doing = "asking for webhooks"
        self._call("GET", f"{_hooks(full_name)}?pagelen=1", doing)
        try:
            self._call("PUT", f"{_hooks(full_name)}/{_NOBODY}", doing, {})
        except Refused as refused:
            # There is nothing to change, so it must refuse; the question is why.
            if refused.status in (401, 403):
                raise

    def hooks(self, full_name: str) -> list[Hook]:
        """The repository's webhooks."""
        return [_hook(one) for one in self._pages(f"{_hooks(full_name)}?pagelen=100")]

    def create_hook(self, full_name: str, url: str, secret: str) -> Hook:
        """A new webhook for pushes that is not active yet."""
        told = {
            "description": DESCRIPTION,
            "url": url,
            "active": False,
            "events": ["repo:push"],
            "secret": secret,
        }
        return _hook(self._call("POST", _hooks(full_name), "creating the webhook", told))

    def change_hook(
        self, full_name: str, hook: Hook, *, active: bool, secret: str | None = None
    ) -> None:
        """Let a webhook send pushes, or not; without a `secret` it keeps the one it has."""
        told = {
            "description": hook.description,
            "url": hook.url,
            "active": active,
            "events": sorted(hook.events | {"repo:push"}),
            **({} if secret is None else {"secret": secret}),
        }
        path = f"{_hooks(full_name)}/{{{hook.uuid}}}"
        self._call("PUT", path, "changing the webhook", told)

    def delete_hook(self, full_name: str, uuid: str) -> None:
        """Take a webhook away, if it is still there."""
        try:
            self._call("DELETE", f"{_hooks(full_name)}/{{{uuid}}}", "deleting the webhook")
        except Refused as refused:
            if refused.status != 404:
                raise

    def _pages(self, path: str) -> Iterator[Any]:
        doing = "listing webhooks"
        page = self._call("GET", path, doing)
        yield from page["values"]
        while following := page.get("next"):
            # It is called with our credentials, so it has to lead to where they belong.
            # To stop here would make a webhook of a later page look as if it were gone.
            if not str(following).startswith(f"{self._api}/"):
                raise Refused(doing, 200, f"a next page that is not below {self._api}", ())
            page = self._call("GET", following.removeprefix(self._api), doing)
            yield from page["values"]

    def _call(self, method: str, path: str, doing: str, body: object = None) -> Any:
        headers = {"Authorization": self._authorization(), "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        answer = self._send(method, self._api + path, headers, sent)
        _check(answer, doing)
        return None if method == "DELETE" else _object(answer, doing)

    def _authorization(self) -> str:
        credentials = self.credentials
        if credentials.kind == "api_token":
            return _basic(credentials.user or "", credentials.token)
        return f"Bearer {self._password()}"

    def _password(self) -> str:
        """The token; a consumer's is asked for once, since it lasts two hours."""
        if self.credentials.kind != "oauth":
            return self.credentials.token
        if self._token is None:
            doing = "asking for an OAuth token"
            headers = {
                "Authorization": _basic(self.credentials.user or "", self.credentials.token),
                "Content-Type": "application/x-www-form-urlencoded",
            }
            sent = b"grant_type=client_credentials"
            answer = self._send("POST", oauth_url(self._git), headers, sent)
            if answer.status in (400, 404):  # these are no credentials of a consumer
                raise Refused(doing, 401, "", ())
            _check(answer, doing)
            token = str(_object(answer, doing).get("access_token", ""))
            if not re.fullmatch(r"[!-~]+", token):
                raise Refused(doing, answer.status, "something that holds no token", ())
            self._token = token
        return self._token


def _object(answer: Answer, doing: str) -> dict[str, Any]:
    told = answer.json()
    if not isinstance(told, dict):
        raise Refused(doing, answer.status, "something that is no JSON object", ())
    return told


def _hooks(full_name: str) -> str:
    return f"/repositories/{full_name}/hooks"


def _hook(told: Any) -> Hook:
    return Hook(
        uuid=plain(told["uuid"]),
        url=told["url"],
        active=bool(told["active"]),
        events=frozenset(told["events"]),
        has_secret=bool(told.get("secret_set")),
        created=str(told.get("created_at", "")),
        description=str(told.get("description") or DESCRIPTION),
    )


def _check(answer: Answer, doing: str) -> None:
    if 200 <= answer.status < 300:
        return
    said = ""
    scopes: tuple[str, ...] = ()
    told = answer.json()
    error = told.get("error") if isinstance(told, dict) else None
    if isinstance(error, dict):
        said = str(error.get("message", ""))[:200]
        detail = error.get("detail")
        required = detail.get("required") if isinstance(detail, dict) else None
        scopes = tuple(map(str, required)) if isinstance(required, list) else ()
    raise Refused(doing, answer.status, said, scopes)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
