"""How Bitbucket is called: credentials, their renewal, and what its refusals mean.

Authentication (as of 2026: app passwords are gone) is one of: a repository, project or workspace
access token (Bearer); an API token of a user (Basic, with the Atlassian account's e-mail); an
OAuth consumer (client credentials, tokens of two hours).
"""

import base64
import re
from collections.abc import Callable
from typing import Annotated, Literal, Protocol, Self

import urllib3
from pydantic import Field, model_validator

from shared.errors import Unavailable
from shared.events import Model

_CONNECT_SECONDS = 3
_READ_SECONDS = 10
# A request that was not answered may still be carried out, by a gateway that kept it back: whoever
# repeats it sooner than that may be overtaken, and an old status stand in the place of a newer one.
# To read a thing twice, or late, does no harm.
_CARRIED_OUT_SECONDS = 60
_GATEWAYS = (502, 504)
# What may stand in a log line for the name of a field.
_FIELD = re.compile(r"[A-Za-z0-9_.]{1,40}")
_MOST_FIELDS = 10
# A token is renewed this long before Bitbucket lets it end.
_OAUTH_MARGIN = 120


class CommitGone(Exception):
    """Bitbucket knows no such commit or repository (any more): there is nothing to tell it."""


class UnexpectedAnswer(ValueError):
    """Bitbucket answered what no caller can do anything about.

    The text is one for log lines: what Bitbucket says repeats what we sent, so it is not quoted.
    """


class _Complaint(Model):
    fields: dict[str, object]


class _Refusal(Model):
    """The form of Bitbucket's errors, but for their sentences.

    Bitbucket Cloud's REST reference: "Standardized error responses".
    """

    error: _Complaint


# It becomes part of a header: one with a line break would be refused with the token in clear.
_Token = Annotated[str, Field(pattern=r"^[!-~]+$", repr=False)]


class Credentials(Model):
    """The secret's content: who speaks to Bitbucket.

    A token is printable ASCII without spaces; `user` is an API token's e-mail or an OAuth
    consumer's key. The error for anything else quotes neither.

    >>> Credentials(kind="access_token", token="s3cr3t")
    Credentials(kind='access_token', user=None)
    """

    kind: Literal["access_token", "api_token", "oauth"]
    user: str | None = None
    token: _Token

    @model_validator(mode="after")
    def _has_user(self) -> Self:
        if self.kind != "access_token" and not self.user:
            message = f"credentials of the kind {self.kind} need a user"
            raise ValueError(message)
        return self


class _Granted(Model):
    """An OAuth token that was granted for `expires_in` seconds."""

    access_token: _Token
    expires_in: float


class ReadsSecrets(Protocol):
    """Where the credentials come from."""

    def get(self, name: str) -> str | None:
        """The secret's text, or None where there is no such secret."""

    def renew(self, name: str) -> str | None:
        """The same, not from memory."""


class CredentialsRefused(Unavailable):
    """Bitbucket took the credentials for invalid or insufficient: somebody has to mend them."""


def oauth_url(git_url: str) -> str:
    """Where a consumer asks for its token, beside the repositories.

    >>> oauth_url("https://bitbucket.org/")
    'https://bitbucket.org/site/oauth2/access_token'
    """
    return f"{git_url.rstrip('/')}/site/oauth2/access_token"


class Access:
    """Calls Bitbucket as whoever the secret says; see `shared.bitbucket.Bitbucket`."""

    def __init__(
        self, secret: str, secrets: ReadsSecrets, git_url: str, clock: Callable[[], float]
    ) -> None:
        self._secret = secret
        self._secrets = secrets
        self._oauth_url = oauth_url(git_url)
        self._clock = clock
        self._oauth: dict[str, tuple[float, str]] = {}
        # A call that is not answered is made again by the queue, not here.
        self._http = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        )

    def call(
        self, method: str, url: str, slug: str, doing: str, body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        """The answer to a call about the repository `slug`, if it is a success.

        Raises:
            CommitGone: there is no such thing.
            Unavailable: Bitbucket is away, asks for patience or refuses the credentials.
            UnexpectedAnswer: Bitbucket calls the question malformed, which is a bug of ours.

        """
        headers = {"Content-Type": "application/json"} if body is not None else {}
        shown = {"Authorization": self._authorization(slug, fresh=False)}
        answer = self._request(url, body, headers | shown, doing, method)
        if answer.status == 401:
            # The secret may have been rotated within the minute that it is kept.
            shown = {"Authorization": self._authorization(slug, fresh=True)}
            answer = self._request(url, body, headers | shown, doing, method)
        _check(answer, doing, method)
        return answer

    def _request(
        self,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        doing: str,
        method: str = "POST",
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._http.request(method, url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            message = f"{doing}: {type(error).__name__}"
            # urllib3 has a refused connection among the connections that took too long.
            sent = not isinstance(error, urllib3.exceptions.ConnectTimeoutError)
            wait = _CARRIED_OUT_SECONDS if sent and method != "GET" else None
            raise Unavailable(message, retry_after=wait) from error

    def _authorization(self, slug: str, *, fresh: bool) -> str:
        read = self._secrets.renew if fresh else self._secrets.get
        text = read(f"{self._secret}/{slug}")
        if text is None:
            text = read(self._secret)
        if text is None:
            message = f"reading Bitbucket's credentials: there is no secret {self._secret}"
            raise CredentialsRefused(message)
        credentials = _credentials(text, self._secret)
        if credentials.kind == "access_token":
            return f"Bearer {credentials.token}"
        basic = _basic(credentials.user or "", credentials.token)
        if credentials.kind == "api_token":
            return basic
        return f"Bearer {self._oauth_token(basic, fresh=fresh)}"

    def _oauth_token(self, basic: str, *, fresh: bool) -> str:
        kept = self._oauth.get(basic)
        if kept is not None and not fresh and self._clock() < kept[0]:
            return kept[1]
        doing = "asking for an OAuth token"
        headers = {
            "Authorization": basic,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self._request(self._oauth_url, b"grant_type=client_credentials", headers, doing)
        # A 404 here is no commit that is gone: these are no credentials of an OAuth consumer.
        if answer.status in (400, 401, 404):
            message = f"{doing}: {answer.status}"
            raise CredentialsRefused(message)
        _check(answer, doing, "POST")
        try:
            granted = _Granted.model_validate_json(answer.data)
        except ValueError:
            message = f"{doing}: the answer holds no token"
            raise Unavailable(message) from None
        ends = self._clock() + granted.expires_in - _OAUTH_MARGIN
        self._oauth[basic] = (ends, granted.access_token)
        return granted.access_token


def _credentials(text: str, secret: str) -> Credentials:
    try:
        return Credentials.model_validate_json(text)
    except ValueError:
        # Without the cause: pydantic's message quotes the secret.
        message = (
            f"reading Bitbucket's credentials: the secret {secret} is not JSON of the form "
            '{"kind": "access_token|api_token|oauth", "user": …, "token": …}, the token printable '
            "ASCII, the user needed for the last two kinds"
        )
        raise CredentialsRefused(message) from None


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _check(answer: urllib3.BaseHTTPResponse, doing: str, method: str) -> None:
    """Raise what an answer that is not a success means to the caller."""
    status = answer.status
    if 200 <= status < 300:
        return
    message = f"{doing}: {status}"
    if status == 404:
        raise CommitGone(message)
    if status in (401, 403):
        raise CredentialsRefused(message)
    if status == 429 or status >= 500:
        wait = _retry_after(answer.headers.get("Retry-After"))
        if status in _GATEWAYS and method != "GET":
            wait = max(wait or 0, _CARRIED_OUT_SECONDS)
        raise Unavailable(message, retry_after=wait)
    fields = ", ".join(_fields(answer.data))
    raise UnexpectedAnswer(f"{message}: it complains of {fields}" if fields else message)


def _fields(body: bytes) -> list[str]:
    """The names of the fields that an error of Bitbucket's is about; none where it is no such."""
    try:
        refusal = _Refusal.model_validate_json(body)
    except ValueError:
        return []
    return [name for name in refusal.error.fields if _FIELD.fullmatch(name)][:_MOST_FIELDS]


def _retry_after(header: str | None) -> float | None:
    # Bitbucket sends seconds; an HTTP date is answered by the queue's own backoff.
    return float(header) if header is not None and header.isascii() and header.isdigit() else None
