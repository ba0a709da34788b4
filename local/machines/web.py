"""The endpoint's HTTP: three services of AWS, told apart by how they are spoken to.

| route | who answers |
|---|---|
| `/_control/…` | `control`: what tests steer machines with |
| `/_metadata/ID/…` | `metadata`: a machine's own metadata service |
| `X-Amz-Target: AmazonSSM.…` | `ssm`; operations that it does not know, the emulator |
| `X-Amz-Target: AWSPriceListService.GetProducts` | `pricing` |
| anything else | `ec2` |
"""

import json
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from moto.core.request import Request as MotoRequest
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Request, Response

from local.machines.control import control
from local.machines.ec2 import Ec2
from local.machines.errors import Refused
from local.machines.fleet import Fleet
from local.machines.metadata import metadata
from local.machines.pricing import products
from local.machines.refusals import status
from local.machines.ssm import SystemsManager

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# More than any request: a command's parameters are the longest.
_BODY_BYTES: Final = 4 * 1024 * 1024
_TARGET: Final = "X-Amz-Target"


class Endpoint:
    """A WSGI application."""

    def __init__(
        self,
        fleet: Fleet,
        ec2: Callable[[], Ec2],
        systems_manager: SystemsManager,
        emulator: Callable[[Request], Response],
        region: str,
    ) -> None:
        self._fleet = fleet
        self._ec2 = ec2
        self._systems_manager = systems_manager
        self._emulator = emulator
        self._region = region

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, as WSGI asks."""
        request = Request(environ)
        request.max_content_length = _BODY_BYTES
        try:
            response = self._answer(request)
        except Refused as error:
            body = {"__type": error.code, "message": str(error)}
            response = _json(body, HTTPStatus.BAD_REQUEST)
        except ValidationError as error:
            response = Response(str(error), HTTPStatus.BAD_REQUEST)
        except HTTPException as error:  # no such route, or a body that is too long
            return error(environ, start_response)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        target = request.headers.get(_TARGET, "")
        service, _, operation = target.partition(".")
        if request.path.startswith("/_control/"):
            return _json(control(request, self._fleet))
        if request.path.startswith("/_metadata/"):
            return self._metadata(request)
        if service == "AmazonSSM":
            if not self._systems_manager.knows(operation):
                return self._emulator(request)
            return _json(self._systems_manager.answer(operation, request.get_json(force=True)))
        if target == "AWSPriceListService.GetProducts":
            return _json(products(request.get_json(force=True), self._region))
        given, headers, body = self._ec2().answer(MotoRequest(request.environ))
        return Response(
            body, status(given, body), content_type=headers.get("Content-Type", "text/xml")
        )

    def _metadata(self, request: Request) -> Response:
        instance_id, _, path = request.path.removeprefix("/_metadata/").partition("/")
        machine = self._fleet.find(instance_id)
        if machine is None:
            raise NotFound
        return metadata(request, path, machine, self._region)


def _json(document: Any, status: int = HTTPStatus.OK) -> Response:
    response = Response(json.dumps(document), status, content_type="application/x-amz-json-1.1")
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response
