"""Who may speak to what listens on loopback: programs, and our own pages, but no foreign web page.

A browser sends a page's request to 127.0.0.1 as readily as anywhere. Two things tell it from a
program's:

- it comes from another site: browsers say so in `Sec-Fetch-Site`, older ones in `Origin`, and
  no script can set either (Fetch standard, "forbidden request-header");
- or the page's own host name was made to lead here (DNS rebinding): then `Host` is that name.

Users of this machine are not told apart: whoever has an account on it can speak to its loopback.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What this machine is called on itself, and by containers on it (Docker, Podman). Nobody can own
# the latter on the internet: `.internal` is never delegated (ICANN, SAC113).
NAMES: Final = frozenset(
    {"127.0.0.1", "localhost", "[::1]", "host.docker.internal", "host.containers.internal"}
)
_HOST: Final = re.compile(r"(\[[^]]*\]|[^:]*)(?::[0-9]+)?")
# By an address that was typed, or by a page of this very server (W3C, Fetch Metadata).
_OWN_SITES: Final = frozenset({"none", "same-origin"})


class FromHere:
    """A WSGI application that is reached by no foreign web page; such requests are answered 403.

    `names` are further names of this machine. With `pages`, links from elsewhere may be followed:
    what is served by GET is then to be for reading alone.
    """

    def __init__(
        self, application: "WSGIApplication", *, names: Iterable[str] = (), pages: bool = False
    ) -> None:
        self._application = application
        self._names = NAMES.union(names)
        self._pages = pages

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, as WSGI asks."""
        why = self._refusal(environ)
        if why is None:
            return self._application(environ, start_response)
        refused = Response(f"{why}\n", HTTPStatus.FORBIDDEN, content_type="text/plain")
        refused.headers["X-Content-Type-Options"] = "nosniff"
        return refused(environ, start_response)

    def _refusal(self, environ: "WSGIEnvironment") -> str | None:
        """Why a request is refused; None if it is not."""
        host: str = environ.get("HTTP_HOST", "")
        called = _HOST.fullmatch(host)
        if called is None or called[1].lower() not in self._names:
            known = ", ".join(sorted(self._names))
            return f"the request is for host {host!r}, and this machine is {known} here"
        site = environ.get("HTTP_SEC_FETCH_SITE")
        if site is None:
            origin = environ.get("HTTP_ORIGIN")
            own = f"{environ['wsgi.url_scheme']}://{host}"
            is_own = origin is None or origin.lower() == own.lower()
        else:
            is_own = site in _OWN_SITES or (self._pages and _follows_a_link(environ))
        return None if is_own else "the request comes from a page of another site"


def _follows_a_link(environ: "WSGIEnvironment") -> bool:
    """Whether somebody goes to a page, in a window of its own right: nobody else then reads it."""
    return (
        environ["REQUEST_METHOD"] in {"GET", "HEAD"}
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
    )
