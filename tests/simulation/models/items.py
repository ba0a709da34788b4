"""DynamoDB's items: how large one is, and which key it has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.simulation.models.ports import refused
from tests.simulation.models.scope import Item

Key = tuple[str, ...]

_MOST_BYTES = 409_600


def key_of(operation: str, attributes: Item, names: Sequence[str], *, alone: bool = False) -> Key:
    """The texts of an item's key; refused if one is missing, empty, or no text.

    `alone`: these are to be all attributes that there are.
    """
    texts = tuple(attributes.get(name, {}).get("S", "") for name in names)
    if "" in texts or (alone and len(attributes) != len(names)):
        message = "The provided key element does not match the schema"
        raise refused(operation, "ValidationException", message)
    return texts


def check_index_keys(operation: str, item: Item, indexes: Iterable[Sequence[str]]) -> None:
    """Refuse an item in which an index's key is there, but empty or no text."""
    for name in (name for names in indexes for name in names):
        if name in item and not item[name].get("S"):
            message = f"A value specified for a secondary index key is not supported: {name}"
            raise refused(operation, "ValidationException", message)


def check_size(operation: str, item: Item) -> None:
    """Refuse an item that is too large: 400 KB (developer guide, "Item size").

    An item's text here is longer than what DynamoDB counts, four bytes for each character at most:
    only a large one is counted.
    """
    if len(repr(item)) * 4 > _MOST_BYTES and item_bytes(item) > _MOST_BYTES:
        message = "Item size has exceeded the maximum allowed size"
        raise refused(operation, "ValidationException", message)


def item_bytes(item: Item) -> int:
    """The size of an item, of names and values (developer guide, "DynamoDB item sizes")."""
    return sum(len(name.encode()) + _bytes(value) for name, value in item.items())


def _bytes(attribute: Mapping[str, Any]) -> int:
    ((kind, content),) = attribute.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + sum(1 + len(name.encode()) + _bytes(one) for name, one in content.items())
        case "L":
            return 3 + sum(1 + _bytes(one) for one in content)
    return 1
