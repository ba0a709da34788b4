"""REST-JSON as Batch speaks it: which operation a path means, and whether its input is sound.

Both come from botocore's own model of Batch, so that any AWS SDK finds what it expects.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator
from pydantic import JsonValue

from local.batch.errors import ClientException
from local.batch.shapes import Document


@dataclass(frozen=True)
class Route:
    """An operation's method and path, and the shape of its input."""

    operation: str
    method: str
    path: re.Pattern[str]
    input_shape: StructureShape


def batch_routes() -> tuple[Route, ...]:
    """The routes of every operation in botocore's model of Batch."""
    model = botocore.session.get_session().get_service_model("batch")
    return tuple(_route(model.operation_model(name)) for name in model.operation_names)


def _route(operation: OperationModel) -> Route:
    # "/v1/tags/{resourceArn}": a member of the input in the path, up to its end.
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(operation.http["requestUri"]))
    nothing = StructureShape(f"{operation.name}Request", {"type": "structure", "members": {}})
    return Route(
        operation=operation.name,
        method=operation.http["method"],
        path=re.compile(pattern),
        input_shape=operation.input_shape or nothing,
    )


def find_route(routes: Iterable[Route], method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """The route of a request and the members in its path; raises ClientException."""
    for route in routes:
        found = route.path.fullmatch(path)
        if route.method == method and found is not None:
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    raise ClientException(f"no operation of Batch has the path {method} {path}")


def read_input(
    route: Route, body: bytes, in_path: Mapping[str, str], query: Mapping[str, list[str]]
) -> Document:
    """The operation's input, checked against botocore's model; raises ClientException."""
    request = _json_object(body) | dict(in_path)
    for member, shape in route.input_shape.members.items():
        name = shape.serialization.get("name", member)
        if shape.serialization.get("location") == "querystring" and name in query:
            request[member] = [*query[name]]
    problems = ParamValidator().validate(request, route.input_shape)
    if problems.has_errors():
        raise ClientException(problems.generate_report())
    _check_enums(request, route.input_shape, route.operation)
    return request


def _json_object(body: bytes) -> Document:
    try:
        found = _without_nulls(json.loads(body)) if body else {}
    except ValueError as error:
        raise ClientException("the body is not JSON") from error
    if not isinstance(found, dict):
        raise ClientException("the body is not a JSON object")
    return found


def _without_nulls(value: Any) -> JsonValue:
    """A member that is null is one that is not given."""
    match value:
        case dict():
            return {key: _without_nulls(one) for key, one in value.items() if one is not None}
        case list():
            return [_without_nulls(one) for one in value]
        case _:
            return value  # type: ignore[no-any-return] # the rest of what json.loads can give


def _check_enums(value: Any, shape: Shape, where: str) -> None:
    """Refuse a string that is not one of its shape's; botocore leaves that to the service."""
    match shape:
        case StructureShape():
            for name, member in shape.members.items():
                if name in value:
                    _check_enums(value[name], member, f"{where}.{name}")
        case ListShape():
            for one in value:
                _check_enums(one, shape.member, where)
        case MapShape():
            for one in value.values():
                _check_enums(one, shape.value, where)
        case StringShape() if shape.enum:
            # Batch itself takes a retry's action in any case.
            if value.upper() not in {one.upper() for one in shape.enum}:
                raise ClientException(f"{where}: {value!r} is not one of {', '.join(shape.enum)}")
