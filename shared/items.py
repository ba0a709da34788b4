"""A record's fields as DynamoDB's attribute values, and back.

boto3 has this as well, for more types and at more than twice the cost: its numbers are decimals.
A record is JSON without fractions, which is all that is known here.
"""

from typing import Any


def attribute(field: object) -> dict[str, Any]:
    """The attribute value that stands for `field`.

    >>> attribute({"try": 2, "shown": False})
    {'M': {'try': {'N': '2'}, 'shown': {'BOOL': False}}}

    Raises:
        TypeError: it is no text, whole number, truth value, list or object of these.

    """
    match field:
        case str():
            return {"S": field}
        case bool():  # before int, which it is as well
            return {"BOOL": field}
        case int():
            return {"N": str(field)}
        case dict():
            return {"M": {name: attribute(inner) for name, inner in field.items()}}
        case list():
            return {"L": [attribute(inner) for inner in field]}
    message = f"no attribute of a record: {type(field).__name__}"
    raise TypeError(message)


def value(attribute: dict[str, Any]) -> Any:
    """The field that an attribute value stands for.

    >>> value({"M": {"try": {"N": "2"}, "shown": {"BOOL": False}}})
    {'try': 2, 'shown': False}
    """
    ((kind, content),) = attribute.items()
    match kind:
        case "N":
            return int(content)
        case "M":
            return {name: value(inner) for name, inner in content.items()}
        case "L":
            return [value(inner) for inner in content]
        case "NULL":
            return None
    return content
