"""A table of DynamoDB's: its items, what its indexes show of them, and in which order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.models.items import Key, item_bytes
from tests.simulation.models.scope import Item

# An item and its place: its texts of the keys by which it is sorted.
Placed = tuple[Key, Item]


@dataclass
class Table:
    """A table.

    `keys` are the names of its key's parts, `indexes` those of each index. `older` is what an item
    was before its last write, and when that was; `lagging` what the indexes still show of an item
    (None: nothing), and until when.
    """

    name: str
    declared: Mapping[str, Any]
    keys: Sequence[str]
    indexes: Mapping[str, Sequence[str]]
    items: dict[Key, Item] = field(default_factory=dict)
    older: dict[Key, tuple[float, Item | None]] = field(default_factory=dict)
    lagging: dict[Key, tuple[float, Item | None]] = field(default_factory=dict)

    @classmethod
    def make(cls, name: str, declared: Mapping[str, Any]) -> "Table":
        """An empty table, by KeySchema and GlobalSecondaryIndexes."""
        indexes = declared.get("GlobalSecondaryIndexes", ())
        return cls(
            name,
            declared,
            _names(declared["KeySchema"]),
            {one["IndexName"]: _names(one["KeySchema"]) for one in indexes},
        )

    def store(self, key: Key, item: Item, now: float, lag: float) -> None:
        """Put an item in the place of the one with that key; indexes see it `lag` seconds later."""
        before = self.items.get(key)
        self.older[key] = (now, before)
        if key in self.lagging and self.lagging[key][0] > now:
            # What comes later does not overtake what is still on its way.
            until, shown = self.lagging[key]
            self.lagging[key] = (max(until, now + lag), shown)
        elif lag:
            self.lagging[key] = (now + lag, before)
        self.items[key] = item

    def shown(self, index: str | None, now: float) -> Mapping[Key, Item]:
        """The items as an index shows them, or as they are."""
        if index is None or not self.lagging:
            return self.items
        self.lagging = {key: one for key, one in self.lagging.items() if one[0] > now}
        items = dict(self.items)
        for key, (_, item) in self.lagging.items():
            if item is None:
                del items[key]
            else:
                items[key] = item
        return items

    def placed(self, index: str | None, now: float, wanted: Callable[[Item], bool]) -> list[Placed]:
        """The items that are `wanted` and have the index's keys, in the order of their places."""
        keys = self.keys_of(index)
        sort = self.sorted_by(index)
        found = [
            (tuple(item[name]["S"] for name in sort), item)
            for item in self.shown(index, now).values()
            if wanted(item) and all(name in item for name in keys)
        ]
        # Places are unique: no two items are compared.
        found.sort(key=lambda one: one[0])
        return found

    def keys_of(self, index: str | None) -> Sequence[str]:
        """The names of the keys of an index, or of the table."""
        return self.keys if index is None else self.indexes[index]

    def sorted_by(self, index: str | None) -> tuple[str, ...]:
        """By what the items of one hash key are sorted; in an index, the table's keys as well."""
        range_keys = tuple(self.keys_of(index)[1:])
        return range_keys if index is None else (*range_keys, *self.keys)


def page(found: Sequence[Placed], limit: int | None, most_bytes: int) -> Iterator[Placed]:
    """As many as one answer takes: `limit`, or the last that begins within `most_bytes`."""
    read = 0
    for one in found[:limit]:
        if read > most_bytes:
            return
        yield one
        read += item_bytes(one[1])


def _names(schema: Sequence[Mapping[str, str]]) -> list[str]:
    """The names of a key's parts, the hash key first."""
    return [one["AttributeName"] for one in sorted(schema, key=lambda one: one["KeyType"])]
