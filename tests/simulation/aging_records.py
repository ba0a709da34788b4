"""Records while the stack is deployed: releases of other versions have written them.

A newer release may have added attributes, which functions of this one must leave in place
(shared/run_store.py: they write what changed, and nothing else). An older one has not written what
now has its default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.items import value
from shared.runs import Run
from tests.simulation.models.dynamodb import DynamoDb

_ADDED = "added_in_a_newer_release"
_MARK: Mapping[str, Any] = {"M": {"nobody": {"L": [{"S": "knows"}, {"N": "1"}]}}}
# No release was without these.
_EVER = frozenset({"run_id", "version", "attempt", "try"})

Item = Mapping[str, Any]


@dataclass
class AgedRecords:
    """What was changed in the records of `table`, by their keys' texts.

    `_changed` tells of each attribute what it was before, and what it was made (None: nothing).
    """

    table: str
    _changed: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)

    def age(self, dynamodb: DynamoDb, *, newer: bool) -> int:
        """Let every record be of another version; how many that were."""
        for key, item in list(dynamodb.items(self.table).items()):
            aged = _newer(item) if newer else _older(item)
            changed = self._changed.setdefault(key[0], {})
            for name in item.keys() | aged.keys():
                if item.get(name) != aged.get(name):
                    before, made = changed.get(name, (item.get(name), item.get(name)))
                    original = before if item.get(name) == made else item.get(name)
                    changed[name] = (original, aged.get(name))
            dynamodb.replace(self.table, key, aged)
        return len(dynamodb.items(self.table))

    def as_written(self, item: Item) -> dict[str, Any]:
        """A record as it would be had nobody aged it: what is left of that is taken back."""
        restored = dict(item)
        for name, (before, made) in self._changed.get(item["run_id"]["S"], {}).items():
            if item.get(name) == made:
                restored.pop(name, None)
                restored |= {} if before is None else {name: before}
        return restored

    def dropped(self, item: Item) -> list[str]:
        """What a newer release has added to a record, and the record has no more."""
        changed = self._changed.get(item["run_id"]["S"], {})
        if _ADDED not in changed:
            return []
        # Nothing changes what a run was asked for: what was added in there stays as well.
        kept = {_ADDED: item, f"asked.{_ADDED}": item["asked"]["M"]}
        return [name for name, holder in kept.items() if holder.get(_ADDED) != _MARK]


def _newer(item: Item) -> Item:
    asked = {"M": {**item["asked"]["M"], _ADDED: _MARK}}
    return {**item, _ADDED: _MARK, "asked": asked}


def _older(item: Item) -> Item:
    """Without what has its default, unless a newer release has written it before."""
    if _ADDED in item:
        return item
    run = Run.model_validate({name: value(one) for name, one in item.items()})
    told = run.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    aged = {name: one for name, one in item.items() if name in told or name in _EVER}
    asked = {name: one for name, one in item["asked"]["M"].items() if name in told["asked"]}
    return {**aged, "asked": {"M": asked}}
