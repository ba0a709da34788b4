"""What the placeholders of DynamoDB's expressions stand for: names and values of a call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.models.ports import refused

Attribute = Mapping[str, Any]
Item = Mapping[str, Attribute]


@dataclass(frozen=True)
class Written:
    """The placeholders `#…` and `:…` that an expression names."""

    placeholders: frozenset[str]


class Scope:
    """What the placeholders of a call's expressions stand for.

    Raises:
        ClientError: one stands for nothing, or is not used (`ValidationException`).

    """

    def __init__(
        self,
        operation: str,
        written: Iterable[Written],
        names: Mapping[str, str] | None,
        values: Mapping[str, Attribute] | None,
    ) -> None:
        self._names = names or {}
        self._values = values or {}
        used = frozenset[str]().union(*(one.placeholders for one in written))
        given = self._names.keys() | self._values.keys()
        if used != given:
            odd = sorted(used ^ given)
            message = f"expression attributes that are not used, or not defined: {odd}"
            raise refused(operation, "ValidationException", message)

    def name(self, word: str) -> str:
        """The attribute that a word names."""
        return self._names[word] if word[0] == "#" else word

    def given(self, word: str) -> Attribute:
        """The value that a word stands for."""
        return self._values[word]

    def value(self, word: str, item: Item) -> Attribute | None:
        """What a word stands for: a value, or the item's attribute of that name."""
        return self._values[word] if word[0] == ":" else item.get(self.name(word))
