"""Bitbucket's REST API, as far as the job calls it: a comment for the report, files for its plots.

A call whose answer is lost may have been heard. So a comment is looked for, by a marker in its
text, each time before it is posted; a file that is uploaded twice replaces itself
(developer.atlassian.com, "Upload a download artifact").
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from container.credentials import Credentials
from container.log import say
from container.patience import pauses
from container.rest import Elsewhere, NotNow, Rest, same_host

_PAGE_LENGTH = 100
# More comments than on so many pages nobody writes on one commit.
_MAX_PAGES = 50
# What each call is, and the scope that the published API description names for it.
_COMMENTING = ("commenting", "repository")
_UPLOADING = ("uploading a file", "repository:write")
_HINTS = {
    400: "Bitbucket calls the request malformed or too long",
    401: 'the credentials are wrong or have expired, or lack the permission "{scope}"',
    403: 'the credentials lack the permission "{scope}"',
    404: 'there is no such repository or commit, or the credentials lack the permission "{scope}"',
    413: "Bitbucket calls it too large",
}
_ELSEWHERE = "Bitbucket leads to another address, where the credentials are not shown"


class BitbucketRefused(Exception):
    """Bitbucket will not do it, however often it is asked. The message says what is missing."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class BitbucketUnavailable(Exception):
    """Bitbucket did not answer, or asked for more patience than there was."""


class Bitbucket:
    """One repository at the API at `api_url`, such as `https://api.bitbucket.org/2.0`.

    `password` gives the current token (see `oauth`); it may raise OAuthUnavailable. Whatever is not
    possible now is tried again for `seconds` in all, each call anew, waiting through `pause`: what
    that raises ends the call.
    """

    def __init__(
        self,
        api_url: str,
        credentials: Credentials,
        password: Callable[[], str],
        workspace: str,
        slug: str,
        *,
        seconds: float,
        pause: Callable[[float], None],
        web_url: str = "https://bitbucket.org",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        repository = f"{quote(workspace, safe='')}/{quote(slug, safe='')}"
        self._url = f"{api_url.rstrip('/')}/repositories/{repository}"
        self._page = f"{web_url.rstrip('/')}/{repository}"
        self._rest = Rest(credentials, password)
        self._seconds = seconds
        self._pause = pause
        self._clock = clock

    def comment(self, commit: str, marker: str, text: str) -> str:
        """Let the commit carry one comment that holds `marker`, with this text; its web address.

        Raises:
            BitbucketRefused, BitbucketUnavailable: as they say.
            ValueError: the text lacks the marker, so that it would be posted again and again.
        """
        if marker not in text:
            raise ValueError(f"the text of a comment lacks its marker {marker!r}")
        url = f"{self._url}/commit/{quote(commit, safe='')}/comments"
        comment = self._insist(_COMMENTING, lambda: self._put_or_post(url, marker, text))
        try:
            return str(comment["links"]["html"]["href"])
        except (LookupError, TypeError):
            return f"{self._page}/commits/{quote(commit, safe='')}"

    def upload(self, name: str, content: bytes, content_type: str) -> str:
        """Put a file among the repository's downloads, in the place of its namesake; its address.

        Raises:
            BitbucketRefused, BitbucketUnavailable: as they say.
        """
        boundary = secrets.token_hex(16)
        body = _multipart(boundary, name, content, content_type)
        form = f"multipart/form-data; boundary={boundary}"
        url = f"{self._url}/downloads"
        self._insist(_UPLOADING, lambda: self._rest.call("POST", url, body, form))
        return f"{self._page}/downloads/{quote(name, safe='')}"

    def _put_or_post(self, url: str, marker: str, text: str) -> Any:
        body = json.dumps({"content": {"raw": text}}).encode()
        for number in self._marked(url, marker):
            changed = self._put(f"{url}/{number}", body)
            if changed is not None:
                return changed
        return self._rest.json("POST", url, body)

    def _put(self, url: str, body: bytes) -> Any:
        """The changed comment; None if it is not ours to change."""
        try:
            return self._rest.json("PUT", url, body)
        except urllib.error.HTTPError as refused:
            # Somebody else's, of an earlier token perhaps, or deleted meanwhile.
            if refused.code in (403, 404):
                return None
            raise

    def _marked(self, comments: str, marker: str) -> Iterator[int]:
        """The ids of the comments that hold the marker, in the order of the list."""
        url = f"{comments}?pagelen={_PAGE_LENGTH}"
        for _ in range(_MAX_PAGES):
            page = self._rest.json("GET", url)
            try:
                found = [
                    int(comment["id"])
                    for comment in page["values"]
                    if not comment.get("deleted") and marker in comment["content"]["raw"]
                ]
                following = str(page.get("next") or "")
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise NotNow("a list of comments of another form") from error
            yield from found
            if not following:
                return
            if not same_host(url, following):
                raise Elsewhere
            url = following

    def _insist(self, call: tuple[str, str], act: Callable[[], Any]) -> Any:
        """Do it, again and again if need be; a refusal in words."""
        doing, scope = call
        until = self._clock() + self._seconds
        tries = pauses(until, self._clock)
        while True:
            try:
                return act()
            except urllib.error.HTTPError as refused:
                # The API may not show yet what was pushed a moment ago.
                unseen = call == _COMMENTING and refused.code == 404
                pause = next(tries, None) if unseen else None
                if pause is None:
                    hint = _HINTS.get(refused.code, "Bitbucket refuses it").format(scope=scope)
                    message = f"{doing}: {hint} ({refused.code})"
                    raise BitbucketRefused(message, refused.code) from None
                say(f"{doing}: there is no such commit yet, trying again in {pause:g} s")
            except Elsewhere as elsewhere:
                raise BitbucketRefused(f"{doing}: {_ELSEWHERE}", elsewhere.status) from None
            except NotNow as not_now:
                pause = next(tries, None)
                if pause is None or self._clock() + not_now.wait_seconds > until:
                    raise BitbucketUnavailable(f"{doing}: {not_now}") from not_now
                pause = max(pause, not_now.wait_seconds)
                say(f"{doing}: {not_now}, trying again in {pause:g} s")
            self._pause(pause)


def _multipart(boundary: str, name: str, content: bytes, content_type: str) -> bytes:
    """A form with one file in its field `files` (RFC 7578; quoting as browsers do it)."""
    for character in '"\r\n':
        name = name.replace(character, quote(character))
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
