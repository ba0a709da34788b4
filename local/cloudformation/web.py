"""The front's HTTP: CloudFormation's own, forwarded, and the custom resources' events.

| route | body | effect |
|---|---|---|
| `POST /_front/events` | a custom resource's event | 202, then it is done and CloudFormation told |
| anything else | as CloudFormation takes it | what the emulator answers |
"""

import threading
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape  # nosec B406 # writes XML, and reads none

import urllib3
from werkzeug.wrappers import Request, Response

from local.cloudformation.custom_resources import Event
from local.cloudformation.forms import Form
from local.cloudformation.requests import Requests
from local.cloudformation.rewriting import aws_type
from local.cloudformation.templates import TemplateRefused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

EVENTS: Final = "/_front/events"
# More than any request: a template in a body has at most 50 KiB, in S3 1 MB.
_BODY_BYTES: Final = 4 * 1024 * 1024
_SECONDS: Final = 60
# What is said about a connection, or about a body as it was.
_NOT_FORWARDED: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})


class Front:
    """A WSGI application."""

    def __init__(
        self, aws_endpoint_url: str, requests: Requests, answer: Callable[[Event], None]
    ) -> None:
        self._aws_endpoint_url = aws_endpoint_url
        self._requests = requests
        self._answer = answer
        self._http = urllib3.PoolManager(timeout=_SECONDS, retries=False)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, as WSGI asks."""
        request = Request(environ)
        request.max_content_length = _BODY_BYTES
        if request.path == EVENTS:
            response = self._take(Event.model_validate_json(request.get_data()))
        else:
            response = self._cloudformation(request)
        return response(environ, start_response)

    def _take(self, event: Event) -> Response:
        """Take an event. Its making may ask the emulator, which waits for this answer."""
        name = f"{event.request_type} {event.logical_resource_id}"
        threading.Thread(target=self._answer, args=(event,), name=name, daemon=True).start()
        return Response(status=HTTPStatus.ACCEPTED)

    def _cloudformation(self, request: Request) -> Response:
        body = request.get_data()
        if request.mimetype == "application/x-www-form-urlencoded":
            try:
                body = self._requests.for_emulator(Form.read(body)).body()
            except TemplateRefused as error:
                return _refusal(str(error))
        answer = self._http.request(
            request.method,
            f"{self._aws_endpoint_url}{request.full_path.removesuffix('?')}",
            body=body,
            headers={k: v for k, v in request.headers if k.lower() not in _NOT_FORWARDED},
        )
        kept = [
            (k, v)
            for k, v in answer.headers.items()
            if k.lower() not in {*_NOT_FORWARDED, "content-encoding"}
        ]
        return Response(aws_type(answer.data.decode()), answer.status, kept)


def _refusal(message: str) -> Response:
    """A refusal as CloudFormation's query protocol writes it."""
    return Response(
        "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>"
        f"<Message>{escape(message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>",
        HTTPStatus.BAD_REQUEST,
        content_type="text/xml",
    )
