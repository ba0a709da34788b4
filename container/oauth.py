"""Exchanging an OAuth consumer's key and secret for an access token, which lasts two hours.

A run may last longer, so the token is asked for each time git is to speak to Bitbucket.
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

from container.credentials import Credentials

_TIMEOUT_SECONDS = 20


class OAuthUnavailable(Exception):
    """Bitbucket gave no access token."""


def access_token(credentials: Credentials, git_url: str) -> str:
    """The password for git: the token itself, or what Bitbucket gives for an OAuth consumer."""
    if credentials.kind != "oauth":
        return credentials.token
    consumer = base64.b64encode(f"{credentials.user}:{credentials.token}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the job definition's own setting
        f"{git_url}/site/oauth2/access_token",
        data=b"grant_type=client_credentials",
        headers={"Authorization": f"Basic {consumer}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            return str(json.load(answer)["access_token"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = error.code if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        raise OAuthUnavailable(f"asking for an OAuth token: {reason}") from error
