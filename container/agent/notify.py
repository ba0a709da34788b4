"""Telling an address of the user's how it ended."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

_TIMEOUT_SECONDS = 10
# Of the time that there is: before the second try and so on. Five tries in all.
_PAUSES = (1 / 30, 1 / 15, 2 / 15, 4 / 15)
_TRY_AGAIN = (408, 425, 429)


class NotTold(Exception):
    """Nobody has taken it."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, perhaps elsewhere and unencrypted."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def allowed(url: str) -> bool:
    """Whether an address is for notifications: HTTPS, or HTTP on this machine.

    >>> allowed("https://hooks.example.com/x"), allowed("http://127.0.0.1:8000/")
    (True, True)
    >>> allowed("http://hooks.example.com/x"), allowed("file:///etc/passwd")
    (False, False)
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "http":
        return parts.hostname in ("127.0.0.1", "localhost", "::1")
    return parts.scheme == "https" and bool(parts.hostname)


def notify(url: str | None, message: Mapping[str, Any], seconds: float) -> None:
    """Tell it; what is tried again and again is over after about these seconds.

    Raises:
        NotTold: nobody answered that all is well.
    """
    if not url:
        return
    if not allowed(url):
        raise NotTold("the address for notifications is not HTTPS")
    for pause in (*_PAUSES, None):
        refused = _post(url, json.dumps(message).encode(), min(_TIMEOUT_SECONDS, seconds / 12))
        if refused is None:
            return
        final = isinstance(refused, urllib.error.HTTPError) and (
            refused.code < 500 and refused.code not in _TRY_AGAIN
        )
        if final or pause is None:
            raise NotTold(f"{type(refused).__name__}: {refused}") from refused
        time.sleep(pause * seconds)


def _post(url: str, body: bytes, seconds: float) -> Exception | None:
    headers = {"Content-Type": "application/json", "User-Agent": "cloud-runner"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - see `allowed`
    try:
        with _OPENER.open(request, timeout=seconds):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return error
    except (OSError, http.client.HTTPException, ValueError) as error:
        return error
