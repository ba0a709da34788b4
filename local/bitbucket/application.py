"""The WSGI application: who may ask, which fault is injected, which route answers, one log line."""

import logging
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Map, Rule
from werkzeug.wrappers import Request, Response

from local.bitbucket import (
    access,
    control,
    git_http,
    lfs_http,
    pages,
    rest,
    rest_comments,
    rest_downloads,
    rest_refs,
    rest_statuses,
    scopes,
)
from local.bitbucket.answers import Refused, error_answer
from local.bitbucket.faults import Fault
from local.bitbucket.page_frame import error_page
from local.bitbucket.site import Route, Site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

ROUTES: tuple[Route, ...] = (
    *rest.ROUTES,
    *rest_statuses.ROUTES,
    *rest_comments.ROUTES,
    *rest_downloads.ROUTES,
    *rest_refs.ROUTES,
    *lfs_http.ROUTES,
    *git_http.ROUTES,
    *control.ROUTES,
    *pages.ROUTES,
)


class PageWorkspace(BaseConverter):
    """A workspace in a page's address: never the API's `2.0` or the routes under `_control`."""

    regex = r"[A-Za-z0-9][A-Za-z0-9_-]*"


class Application:
    """One stand-in's answers to HTTP requests."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._map = Map(
            [Rule(route.path, methods=[route.method], endpoint=route) for route in ROUTES],
            converters={"page": PageWorkspace},
            merge_slashes=False,
        )

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request and log a line when its answer is out."""
        began = time.monotonic()
        request = Request(environ)
        response = self._with_faults(request)

        def told() -> None:
            took = round((time.monotonic() - began) * 1000)
            line = (request.method, request.path, response.status_code, took)
            log.info("%s %s %d in %d ms", *line)

        response.call_on_close(told)
        return response(environ, start_response)

    def _with_faults(self, request: Request) -> Response:
        fault = None
        if not request.path.startswith("/_control/"):
            fault = self._site.faults.take(request.method, request.path)
        if fault is None:
            return self._answer(request)
        time.sleep(fault.delay_seconds)
        return self._faulty(fault, request)

    def _faulty(self, fault: Fault, request: Request) -> Response:
        answer = fault.answer()
        if answer is None and not fault.closed:
            return self._answer(request)
        if fault.after:
            real = self._answer(request)
            for _ in real.response:
                pass  # the work is done; what it would have said is lost on the way
            real.close()
        return answer if answer is not None else _hang_up(request)

    def _answer(self, request: Request) -> Response:
        try:
            return self._routed(request)
        except Refused as refused:
            return _error(request, refused)
        except HTTPException as trouble:
            if trouble.code in {301, 302, 307, 308}:
                return Response(trouble.get_body(), trouble.code, trouble.get_headers())
            status = trouble.code or 500
            message = "Resource not found" if status == 404 else HTTPStatus(status).phrase
            if status == 404:
                log.warning("no route for %s %s", request.method, request.path)
            return _error(request, Refused(status, message))
        except Exception:
            # The edge of the process: the client gets a 500, the log gets the traceback.
            log.exception("answering %s %s", request.method, request.path)
            return _error(request, Refused(500, "Something went wrong"))

    def _routed(self, request: Request) -> Response:
        route, parts = self._map.bind_to_environ(request.environ).match()
        if not route.is_open and not access.allows(self._site.token, request):
            self._check_scopes(request)
        request.max_content_length = route.largest_body
        answer: Response = route.endpoint(self._site, request, **parts)
        return answer

    def _check_scopes(self, request: Request) -> None:
        """Let pass whom a token of fewer rights allows what they ask for."""
        granted = self._site.tokens.scopes(access.shown(request))
        if granted is None or request.path.startswith("/_control/"):
            raise Refused(401, "Token is invalid, expired, or not supported for this endpoint.")
        scopes.check(request, granted)


def _hang_up(request: Request) -> NoReturn:
    """End the connection without a word; Werkzeug takes the error for a client that went away."""
    log.info("%s %s unanswered, as a fault wants it", request.method, request.path)
    connection: socket.socket = request.environ["werkzeug.socket"]
    with suppress(OSError):  # the client was faster
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _error(request: Request, refused: Refused) -> Response:
    if lfs_http.MARK in request.path:
        return lfs_http.error_answer(refused)
    if request.path.startswith(("/2.0/", "/_control/", "/site/")) or refused.status == 401:
        return error_answer(refused)
    if refused.status == 403 and ".git/" in request.path:
        return Response(refused.message, 403)  # what git shows to the person who called it
    return error_page(refused)
