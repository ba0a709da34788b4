"""One call to a REST API with the credentials, and what its end means: done, never, not now."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from container.credentials import Credentials
from container.oauth import NoRedirect, OAuthUnavailable, basic

# Of silence, in which nothing is sent or received.
_TIMEOUT_SECONDS = 30


class NotNow(Exception):
    """There is no answer, or one that another try may change. The message says which.

    `wait_seconds` is what the server asks for, 0 if it does not say.
    """

    def __init__(self, why: str, wait_seconds: float = 0) -> None:
        super().__init__(why)
        self.wait_seconds = wait_seconds


class Elsewhere(Exception):
    """The answer names another address: the credentials are not shown there."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(status)
        self.status = status


class Rest:
    """Calls with credentials; `password` gives the current token."""

    def __init__(self, credentials: Credentials, password: Callable[[], str]) -> None:
        self._credentials = credentials
        self._password = password
        self._opener = urllib.request.build_opener(NoRedirect)

    def json(self, method: str, url: str, body: bytes | None = None) -> Any:
        """The JSON that a call answers.

        Raises:
            NotNow, Elsewhere, HTTPError: as of `call`.
        """
        content = self.call(method, url, body, "application/json")
        try:
            return json.loads(content)
        except ValueError as error:
            raise NotNow("an answer that is no JSON") from error

    def call(self, method: str, url: str, body: bytes | None, content_type: str) -> bytes:
        """The body of the answer.

        Raises:
            NotNow: an outage, a limit on the number of calls, or no OAuth token to be had.
            Elsewhere: a redirection.
            HTTPError: any other answer than success. It is read no further, since it may be a page.
        """
        try:
            request = urllib.request.Request(url, body, method=method)  # noqa: S310 - the job definition's own setting
            request.add_header("Accept", "application/json")
            request.add_header("Authorization", self._authorization())
            if body is not None:
                request.add_header("Content-Type", content_type)
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 400:
                raise Elsewhere(error.code) from None
            if error.code in (408, 429) or error.code >= 500:
                raise NotNow(f"answered {error.code}", _retry_after(error)) from None
            raise
        except urllib.error.URLError as error:
            raise NotNow(f"no answer ({type(error.reason).__name__})") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotNow(f"no answer ({type(error).__name__})") from error
        except OAuthUnavailable as unavailable:
            raise NotNow(str(unavailable)) from unavailable
        return content

    def _authorization(self) -> str:
        password = self._password()
        if self._credentials.kind == "api_token":
            return basic(self._credentials.user, password)
        return f"Bearer {password}"


def same_host(url: str, other: str) -> bool:
    """Whether two addresses are of the same scheme, host and port.

    >>> same_host("https://api.bitbucket.org/2.0/a", "https://api.bitbucket.org/2.0/a?page=2")
    True
    >>> same_host("https://api.bitbucket.org/2.0/a", "http://api.bitbucket.org/2.0/a?page=2")
    False
    """
    return urlsplit(url)[:2] == urlsplit(other)[:2]


def _retry_after(answer: urllib.error.HTTPError) -> float:
    """The seconds that an answer asks to wait: a number, or a time (RFC 9110, "Retry-After")."""
    asked = answer.headers.get("Retry-After") or ""
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        time = parsedate_to_datetime(asked)
    except (TypeError, ValueError):  # Python 3.9 raises the one, newer ones the other
        return 0.0
    return max(0.0, (time - datetime.now(timezone.utc)).total_seconds()) if time.tzinfo else 0.0
