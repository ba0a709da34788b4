"""The table `Runs`: one item per run, changed only by conditional writes.

Every change names the version that it read; a writer that lost the race reads again and decides
again. Only attributes that changed are written, so that a function of an older version does not
drop what a newer one has added. The index `ByState` (state, updated_at) lists runs and finds those
that have not moved; being an index, it may lag behind the table by a moment.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from shared.aws import calling, condition_failed
from shared.errors import Unavailable
from shared.events import RunId, State, timestamp
from shared.items import attribute, value
from shared.runs import Run
from shared.telemetry import log

INDEX = "ByState"
_ROUNDS = 8


class RunStore:
    """Run records in DynamoDB, read consistently, written by condition."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, run_id: RunId) -> Run | None:
        """The record as it is now (a strongly consistent read), or None."""
        with calling("reading a run"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"run_id": {"S": run_id}}, ConsistentRead=True
            )
        item = answer.get("Item")
        return _run(item) if item else None

    def create(self, run: Run) -> bool:
        """Write a new record; False, and nothing written, if the run exists already."""
        item = {name: attribute(field) for name, field in _attributes(run).items()}
        with calling("creating a run"):
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(run_id)",
                )
            except ClientError as error:
                if condition_failed(error):
                    return False
                raise
        return True

    def change(self, run_id: RunId, decide: Callable[[Run], Run]) -> Run | None:
        """Let `decide` move the record forward, and return what is stored after that.

        `decide` is called again with the newer record whenever another writer was first, so it
        must be pure. It may raise: then nothing is written. None: there is no such run.

        Raises:
            Unavailable: DynamoDB failed, or other writers were first eight times in a row.

        """
        for _ in range(_ROUNDS):
            run = self.get(run_id)
            if run is None:
                return None
            wanted = decide(run)
            if wanted is run or wanted == run:
                return run
            new = _attributes(wanted.changed(version=run.version + 1))
            if self._replace(run, new):
                # As another reader would see it: times are stored in whole milliseconds.
                return Run.model_validate(new)
        message = "changing a run: other writers were first each time"
        raise Unavailable(message, retry_after=1)

    def unmoved(self, state: State, before: datetime) -> Iterator[Run]:
        """Runs in `state` whose record has not changed since `before`, the oldest first."""
        values = {":state": {"S": state}, ":before": {"S": timestamp(before)}}
        yield from self._query(
            KeyConditionExpression="#state = :state AND updated_at < :before",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=values,
        )

    def latest(self, state: State, page: int | None = None) -> Iterator[Run]:
        """Runs in `state`, the one that changed last first; `page` of them are read at a time."""
        yield from self._query(
            KeyConditionExpression="#state = :state",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": {"S": state}},
            ScanIndexForward=False,
            **({} if page is None else {"Limit": page}),
        )

    def beginning(self, state: State, text: str) -> Iterator[Run]:
        """Runs in `state` whose id or commit begins with `text`, the one that changed last first.

        All runs in that state are read, and those that do not fit are left where they are.
        """
        yield from self._query(
            KeyConditionExpression="#state = :state",
            FilterExpression="begins_with(run_id, :text) OR begins_with(#commit, :text)",
            ExpressionAttributeNames={"#state": "state", "#commit": "commit"},
            ExpressionAttributeValues={":state": {"S": state}, ":text": {"S": text}},
            ScanIndexForward=False,
        )

    def _query(self, **query: Any) -> Iterator[Run]:
        start: dict[str, Any] = {}
        while True:
            with calling("listing runs"):
                answer = self._dynamodb.query(
                    TableName=self._table, IndexName=INDEX, **query, **start
                )
            for item in answer["Items"]:
                try:
                    run = _run(item)
                except ValidationError as error:
                    # A newer version's, after a rollback. The others must not wait for it.
                    log.error("record not readable", run_id=value(item["run_id"]), why=_why(error))
                else:
                    yield run
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _replace(self, run: Run, new: dict[str, Any]) -> bool:
        old = _attributes(run)
        names, values = {"#version": "version"}, {":read": attribute(run.version)}
        sets, removes = [], []
        for place, name in enumerate(sorted(old.keys() | new.keys())):
            if old.get(name) == new.get(name):
                continue
            names[f"#n{place}"] = name
            if name in new:
                values[f":v{place}"] = attribute(new[name])
                sets.append(f"#n{place} = :v{place}")
            else:
                removes.append(f"#n{place}")
        expression = "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(removes) if removes else "")
        with calling("writing a run"):
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"run_id": {"S": run.run_id}},
                    UpdateExpression=expression,
                    ConditionExpression="#version = :read",
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                )
            except ClientError as error:
                if condition_failed(error):
                    return False
                raise
        return True


def _attributes(run: Run) -> dict[str, Any]:
    # JSON mode makes texts of times; what holds nothing is no attribute.
    return run.model_dump(mode="json", by_alias=True, exclude_none=True)


def _why(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found]


def _run(item: Mapping[str, Any]) -> Run:
    return Run.model_validate({name: value(field) for name, field in item.items()})
