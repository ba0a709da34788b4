"""Run records in memory, which refuse what DynamoDB refuses."""

import json
import re
from typing import Any

from shared.events import RunId
from shared.items import attribute, value
from shared.run_store import RunStore
from shared.runs import Run
from tests.fakes import refusal

# DynamoDB developer guide, "Constraints": a partition key, an item, a number.
_LONGEST_KEY = 2_048
_LARGEST_ITEM = 400 * 1024
_MOST_DIGITS = 38


class KeptRuns(RunStore):
    """The real decisions on records that are kept here, as attribute values."""

    def __init__(self, *runs: Run) -> None:
        super().__init__(None, "runs")
        self._items: dict[str, dict[str, Any]] = {}
        for run in runs:
            self.create(run)

    def get(self, run_id: RunId) -> Run | None:
        """The record as it is now, or None."""
        if not 0 < len(run_id.encode()) <= _LONGEST_KEY:
            raise refusal("ValidationException", 400, "GetItem")
        if run_id not in self._items:
            return None
        item = self._items[run_id]
        return Run.model_validate({name: value(field) for name, field in item.items()})

    def create(self, run: Run) -> bool:
        """Write a new record; False if there is one."""
        if run.run_id in self._items:
            return False
        self._keep(run.model_dump(mode="json", by_alias=True, exclude_none=True))
        return True

    def _replace(self, run: Run, new: dict[str, Any]) -> bool:
        self._keep(new)
        return True

    def _keep(self, fields: dict[str, Any]) -> None:
        item = {name: attribute(field) for name, field in fields.items()}
        text = json.dumps(item, ensure_ascii=False)
        assert len(text.encode()) < _LARGEST_ITEM
        assert all(len(number) <= _MOST_DIGITS for number in re.findall(r'"N": "-?(\d+)"', text))
        self._items[fields["run_id"]] = item
