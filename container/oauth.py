"""The password that goes with the credentials: the token itself, or what OAuth gives for it.

An OAuth access token lasts two hours (Bitbucket's page "Use OAuth on Bitbucket Cloud"), and a run
may last longer, so it is asked for again in time.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from container.credentials import Credentials

_TIMEOUT_SECONDS = 20
_KEPT_SECONDS = 3600


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Credentials go to the address of the settings and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


_OPENER = urllib.request.build_opener(NoRedirect)


class OAuthUnavailable(Exception):
    """Bitbucket gave no access token."""


class Passwords:
    """What the runner says to Bitbucket in this moment.

    `hide` is told every token that Bitbucket gives, so that no log shows it.
    """

    def __init__(self, credentials: Credentials, git_url: str, hide: Callable[[str], None]) -> None:
        self.credentials = credentials
        self._git_url = git_url
        self._hide = hide
        self._kept: tuple[float, str] | None = None

    def __call__(self) -> str:
        """The password.

        Raises:
            OAuthUnavailable: there is none to be had now.
        """
        if self.credentials.kind != "oauth":
            return self.credentials.token
        if self._kept is None or time.monotonic() - self._kept[0] > _KEPT_SECONDS:
            token = _exchange(self.credentials, self._git_url)
            self._hide(token)
            self._kept = (time.monotonic(), token)
        return self._kept[1]

    def for_git(self) -> str:
        """The header by which git's requests are authorised.

        Raises:
            OAuthUnavailable: as above.
        """
        return basic(self.credentials.git_user, self())


def basic(user: str, password: str) -> str:
    """An Authorization header (RFC 7617).

    >>> basic("Aladdin", "open sesame")
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='
    """
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _exchange(credentials: Credentials, git_url: str) -> str:
    request = urllib.request.Request(  # noqa: S310 - the job definition's own setting
        f"{git_url}/site/oauth2/access_token",
        data=b"grant_type=client_credentials",
        headers={"Authorization": basic(credentials.user, credentials.token)},
    )
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return str(json.load(answer)["access_token"])
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException) as error:
        reason = error.code if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        raise OAuthUnavailable(f"asking for an OAuth token: {reason}") from error
