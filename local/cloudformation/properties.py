"""From a resource's properties to a request of its service's API, by botocore's model of it.

CloudFormation writes names in PascalCase, an API in its own case, and the properties of a custom
resource come with every number and truth value as a string. The shapes say what each was; a map's
keys are the user's own and stay.
"""

import functools
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape


class UnknownProperty(Exception):
    """A property that the API does not know; the text names it."""


@functools.cache
def input_shape(service: str, operation: str) -> StructureShape:
    """The shape of an operation's request."""
    model = botocore.session.get_session().get_service_model(service)
    nothing = StructureShape(f"{operation}Request", {"type": "structure", "members": {}})
    return model.operation_model(operation).input_shape or nothing


def as_request(value: Any, shape: Shape, where: str = "") -> Any:
    """A property's value as the API takes it.

    Raises:
        UnknownProperty: the API has no such member.

    """
    match shape:
        case StructureShape():
            names = {member.lower(): member for member in shape.members}
            for name in value:
                if name.lower() not in names:
                    raise UnknownProperty(f"Encountered unsupported property {where}{name}")
            return {
                (member := names[name.lower()]): as_request(
                    one, shape.members[member], f"{where}{name}."
                )
                for name, one in value.items()
            }
        case ListShape():
            return [as_request(one, shape.member, where) for one in value]
        case MapShape():
            return {key: as_request(one, shape.value, where) for key, one in value.items()}
        case _:
            return _scalar(value, shape.type_name)


def _scalar(value: Any, type_name: str) -> Any:
    """A value as its shape's type.

    >>> _scalar("8", "integer"), _scalar("true", "boolean"), _scalar("8", "string")
    (8, True, '8')
    """
    match type_name:
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return str(value).lower() == "true"
        case _:
            return value
