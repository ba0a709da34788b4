"""The endpoint's HTTP: Batch's operations, and under `/_control` what tests steer them with."""

import json
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from local.batch.control import Calls, Control
from local.batch.errors import BatchError, ClientException, ServerException, TooManyRequests
from local.batch.faults import Faults, SubmitFault, SubmitMode
from local.batch.shapes import Document
from local.batch.submission import PAYLOAD_BYTES
from local.batch.wire import batch_routes, find_route, read_input

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# More than any operation needs; a definition has at most 24 KiB.
_BODY_BYTES = 1024 * 1024


class Endpoint:
    """A WSGI application."""

    def __init__(
        self,
        operations: Mapping[str, Callable[[Document], Document]],
        control: Control,
        faults: Faults,
        calls: Calls,
    ) -> None:
        self._operations = operations
        self._control = control
        self._faults = faults
        self._calls = calls
        self._routes = batch_routes()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, as WSGI asks."""
        request = Request(environ)
        request.max_content_length = _BODY_BYTES
        try:
            if request.path.startswith("/_control/"):
                response = _answer(self._control.answer(request), HTTPStatus.OK)
            else:
                response = self._batch(request)
        except BatchError as error:
            response = _refusal(error)
        except HTTPException as error:  # no such control route, or a body that is too long
            return error(environ, start_response)
        return response(environ, start_response)

    def _batch(self, request: Request) -> Response:
        route, in_path = find_route(self._routes, request.method, request.path)
        self._calls.note(route.operation)
        operation = self._operations.get(route.operation)
        if operation is None:
            raise ClientException(f"the embedded endpoint does not know {route.operation}")
        body = request.get_data()
        submits = route.operation == "SubmitJob"
        if submits and len(body) > PAYLOAD_BYTES:
            raise ClientException(f"the request is longer than {PAYLOAD_BYTES} bytes")
        asked = read_input(route, body, in_path, dict(request.args.lists()))
        fault = self._faults.of_submit() if submits else None
        if fault is not None:
            _refuse(fault)
        answer = operation(asked)
        if fault is not None:
            _hang_up(request, fault)
        return _answer(answer, HTTPStatus.OK)


def _refuse(fault: SubmitFault) -> None:
    if fault.mode is SubmitMode.THROTTLE:
        raise TooManyRequests("Too Many Requests")
    if fault.mode is SubmitMode.ERROR:
        raise ServerException("ordered by a test")


def _hang_up(request: Request, fault: SubmitFault) -> None:
    """Close the connection, so that the caller cannot know what became of its request."""
    time.sleep(fault.hold_seconds)
    connection = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)


def _answer(document: Document, status: int, error_type: str | None = None) -> Response:
    response = Response(json.dumps(document), status, content_type="application/json")
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    if error_type is not None:
        response.headers["x-amzn-ErrorType"] = error_type
    return response


def _refusal(error: BatchError) -> Response:
    return _answer({"message": str(error)}, error.http_status, error.code)
