"""DynamoDB: tables with conditional writes, and indexes that may lag behind them.

Sources: Amazon DynamoDB developer guide, "DynamoDB read consistency" (GetItem is eventually
consistent unless asked otherwise, a global secondary index always), "Using Global Secondary
Indexes in DynamoDB" (an index gets changes later, usually within a fraction of a second) and
"Paginating table query results" (a page ends at Limit or 1 MB, before the filter; a
LastEvaluatedKey need not mean that there is more). Keys are texts; an index holds whole items.
Capacity is not modelled, nor are transactions, batches, streams and what ReturnValues gives.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.simulation.models.expressions import Term, Update, condition, update
from tests.simulation.models.items import Key, check_index_keys, check_size, key_of
from tests.simulation.models.ports import Chooses, Later, Now, refused
from tests.simulation.models.scope import Item, Scope
from tests.simulation.models.tables import Table, page

# "Usually one second or less", "a fraction of a second": these are bad days.
_STALE_SECONDS = 5.0
_LONGEST_LAG_SECONDS = 60.0


class Write(NamedTuple):
    """A write that was done: its key's texts, such as ("7777…",), and what is stored since."""

    table: str
    key: Key
    item: Item


class DynamoDb:
    """DynamoDB's client. Items are attribute values, as botocore has them; nobody changes one.

    `writes` are all writes in their order. `page_bytes` is how much a Query reads for one answer.
    """

    def __init__(self, now: Now, choices: Chooses, later: Later) -> None:
        del later  # what lags is found out when it is asked for
        self._now = now
        self._choices = choices
        self._tables: dict[str, Table] = {}
        self.writes: list[Write] = []
        self.page_bytes = 1_048_576

    def items(self, table: str) -> Mapping[Key, Item]:
        """What is stored now, by key; do not change it."""
        return self._tables[table].items

    def replace(self, table: str, key: Key, item: Item) -> None:
        """Let an item be another, as if it had never been different: that is no write."""
        self._tables[table].items[key] = item

    def create_table(self, *, TableName: str, **declared: Any) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """Make a table, by AttributeDefinitions, KeySchema and GlobalSecondaryIndexes."""
        self._tables[TableName] = Table.make(TableName, declared)
        return {}

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """A table's keys and status."""
        declared = self._table("DescribeTable", TableName).declared
        return {"Table": {**declared, "TableName": TableName, "TableStatus": "ACTIVE"}}

    def get_item(
        self,
        *,
        TableName: str,  # noqa: N803 - botocore's name
        Key: Item,  # noqa: N803 - botocore's name
        ConsistentRead: bool = False,  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """An item; without ConsistentRead perhaps the one before (the fault `eventual-read`)."""
        table = self._table("GetItem", TableName)
        key = key_of("GetItem", Key, table.keys, alone=True)
        item = table.items.get(key)
        if not ConsistentRead and key in table.older:
            replaced_at, older = table.older[key]
            recent = self._now() - replaced_at < _STALE_SECONDS
            if recent and self._choices.strikes("eventual-read", _named(table, key)):
                item = older
        return {} if item is None else {"Item": dict(item)}

    def put_item(
        self,
        *,
        TableName: str,  # noqa: N803 - botocore's name
        Item: Item,  # noqa: N803 - botocore's name
        **expressions: Any,
    ) -> dict[str, Any]:
        """Write an item, in the place of one of that key, if ConditionExpression holds."""
        table = self._table("PutItem", TableName)
        key = key_of("PutItem", Item, table.keys)
        _check("PutItem", table.items.get(key, {}), None, **expressions)
        self._store("PutItem", table, key, dict(Item))
        return {}

    def update_item(
        self,
        *,
        TableName: str,  # noqa: N803 - botocore's name
        Key: Item,  # noqa: N803 - botocore's name
        UpdateExpression: str,  # noqa: N803 - botocore's name
        **expressions: Any,
    ) -> dict[str, Any]:
        """Change attributes if ConditionExpression holds; an item that is not there is made."""
        table = self._table("UpdateItem", TableName)
        key = key_of("UpdateItem", Key, table.keys, alone=True)
        stored = table.items.get(key, {})
        wanted = update(UpdateExpression)
        scope = _check("UpdateItem", stored, wanted, **expressions)
        sets = {scope.name(name): scope.given(value) for name, value in wanted.sets}
        removes = {scope.name(name) for name in wanted.removes}
        changed = sets.keys() | removes
        if len(changed) < len(wanted.sets) + len(wanted.removes):
            message = "Invalid UpdateExpression: Two document paths overlap with each other"
            raise refused("UpdateItem", "ValidationException", message)
        if not changed.isdisjoint(table.keys):
            message = "Cannot update attribute. This attribute is part of the key"
            raise refused("UpdateItem", "ValidationException", message)
        kept = {name: one for name, one in stored.items() if name not in removes}
        self._store("UpdateItem", table, key, {**kept, **Key, **sets})
        return {}

    def query(
        self,
        *,
        TableName: str,  # noqa: N803 - botocore's name
        KeyConditionExpression: str,  # noqa: N803 - botocore's name
        IndexName: str | None = None,  # noqa: N803 - botocore's name
        FilterExpression: str | None = None,  # noqa: N803 - botocore's name
        ScanIndexForward: bool = True,  # noqa: N803 - botocore's name
        Limit: int | None = None,  # noqa: N803 - botocore's name
        ExclusiveStartKey: Item | None = None,  # noqa: N803 - botocore's name
        ExpressionAttributeNames: Mapping[str, str] | None = None,  # noqa: N803 - botocore's name
        ExpressionAttributeValues: Mapping[str, Any] | None = None,  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Items by key condition and filter, a page at a time, in the order of the range key.

        Those of an index that share a range key come in the order of the table's keys, where
        DynamoDB promises none. The fault `index-lag`: an index does not show a write yet.
        """
        table = self._table("Query", TableName)
        wanted = condition(KeyConditionExpression)
        filters = [] if FilterExpression is None else [condition(FilterExpression)]
        names, values = ExpressionAttributeNames, ExpressionAttributeValues
        scope = Scope("Query", [wanted, *filters], names, values)
        keys = table.keys_of(IndexName)
        _check_key_condition(wanted.conjuncts, scope, keys)
        found = table.placed(IndexName, self._now(), lambda item: wanted.holds(item, scope))
        if ExclusiveStartKey is not None:
            start = tuple(ExclusiveStartKey[name]["S"] for name in table.sorted_by(IndexName))
            found = [
                one for one in found if (one[0] > start if ScanIndexForward else one[0] < start)
            ]
        if not ScanIndexForward:
            found.reverse()
        read = [item for _, item in page(found, Limit, self.page_bytes)]
        fitting = [item for item in read if all(one.holds(item, scope) for one in filters)]
        answer = {"Items": fitting, "Count": len(fitting), "ScannedCount": len(read)}
        if len(read) < len(found) or len(read) == Limit:
            answer["LastEvaluatedKey"] = {name: read[-1][name] for name in {*keys, *table.keys}}
        return answer

    def _table(self, operation: str, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            raise refused(operation, "ResourceNotFoundException", "Requested resource not found")
        return table

    def _store(self, operation: str, table: Table, key: Key, item: Item) -> None:
        check_index_keys(operation, item, table.indexes.values())
        check_size(operation, item)
        lag = 0.0
        if table.indexes and self._choices.strikes("index-lag", what := _named(table, key)):
            lag = self._choices.seconds(0, _LONGEST_LAG_SECONDS, what)
        table.store(key, item, self._now(), lag)
        self.writes.append(Write(table.name, key, item))


def _check(
    operation: str,
    stored: Item,
    wanted: Update | None,
    *,
    ConditionExpression: str | None = None,  # noqa: N803 - botocore's name
    ExpressionAttributeNames: Mapping[str, str] | None = None,  # noqa: N803 - botocore's name
    ExpressionAttributeValues: Mapping[str, Any] | None = None,  # noqa: N803 - botocore's name
) -> Scope:
    """What the placeholders of a write stand for, if its condition holds for what is stored."""
    needed = None if ConditionExpression is None else condition(ConditionExpression)
    written = [one for one in (needed, wanted) if one is not None]
    scope = Scope(operation, written, ExpressionAttributeNames, ExpressionAttributeValues)
    if needed is not None and not needed.holds(stored, scope):
        message = "The conditional request failed"
        raise refused(operation, "ConditionalCheckFailedException", message)
    return scope


def _check_key_condition(terms: tuple[Term, ...], scope: Scope, keys: Any) -> None:
    """Refuse what is no condition of a key: the hash key equals, the range key may compare."""
    by_name = {scope.name(one.operands[0]): one.does for one in terms if one.operands}
    known = len(by_name) == len(terms) and by_name.keys() <= set(keys)
    if not known or by_name.get(keys[0]) != "=":
        message = "Query key condition not supported"
        raise refused("Query", "ValidationException", message)


def _named(table: Table, key: Key) -> str:
    return f"{table.name} {key[-1]}"
