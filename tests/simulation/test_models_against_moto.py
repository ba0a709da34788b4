"""The model of DynamoDB answers what moto's answers: to the product's own calls, and beside them.

Where moto is known to differ from DynamoDB the comparison leaves that out: a page that ends exactly
at its limit, the size of items near the limit, the types of an index's keys, and reserved names.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.best import Best, BestResults
from shared.events import RunId, State
from shared.run_store import INDEX, RunStore
from shared.runs import Run
from tests.contracts import wiring
from tests.samples import NOW, a_job, a_run, minutes
from tests.simulation.models.beside_moto import moto_client, outcome
from tests.simulation.models.dynamodb import DynamoDb
from tests.simulation.models.ports import Benign

RUNS, BEST = "RunsTable", "BestResultsTable"
# Few of each, so that the operations of an example meet.
IDS = st.sampled_from([RunId(digit * 24) for digit in "1234"])
STATES: st.SearchStrategy[State] = st.sampled_from(["requested", "requested", "running"])
TIMES = st.integers(0, 3).map(minutes)
TEXTS = st.sampled_from(["a", "b", "ümlaut", "x" * 300])
ATTRIBUTES = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    # moto takes the number 1 for the truth value, and 0 for the other.
    st.sampled_from(["-3", "2", "10"]).map(lambda number: {"N": number}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"L": [{"M": {"a": {"N": "1"}}}]}),
)


@dataclass
class Both:
    """The model and moto, each with the template's tables, empty."""

    model: DynamoDb
    moto: Any

    def agree(self, ask: Callable[[Any], Any]) -> Any:
        """What both answer, or how both refuse."""
        one, other = (outcome(partial(ask, client)) for client in (self.model, self.moto))
        assert one == other
        return one

    def hold_the_same(self, table: str) -> None:
        """See that both have the same items."""
        items = [dict(item) for item in self.model.items(table).values()]
        stored = self.moto.scan(TableName=table)["Items"]
        assert sorted(items, key=repr_of_keys) == sorted(stored, key=repr_of_keys)


def repr_of_keys(item: dict[str, Any]) -> str:
    return repr([item.get(name) for name in ("run_id", "target", "study")])


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    with moto_client("dynamodb") as client:
        yield client


def both_empty(moto: Any) -> Both:
    """Tables as the template has them; moto's are emptied, which is faster than another account."""
    model = DynamoDb(NOW.timestamp, Benign(), lambda _seconds, _act, _label: None)
    known = moto.list_tables()["TableNames"]
    for name, declared in wiring.of_type("AWS::DynamoDB::Table").items():
        parts = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        told = {part: declared[part] for part in parts if part in declared}
        model.create_table(TableName=name, **told)
        if name not in known:
            moto.create_table(TableName=name, **told)
        keys = [one["AttributeName"] for one in told["KeySchema"]]
        for item in moto.scan(TableName=name)["Items"]:
            moto.delete_item(TableName=name, Key={key: item[key] for key in keys})
    return Both(model, moto)


# ---- as the product calls it ---------------------------------------------------------------------

CHANGES = st.fixed_dictionaries(
    {"updated_at": TIMES.map(lambda after: NOW + after)},
    optional={
        "state": STATES,
        "reason": st.none() | TEXTS,
        "exit_code": st.none() | st.integers(0, 2),
        "job": st.none() | st.builds(a_job, st.integers(1, 2)),
        "lease_until": st.none() | TIMES.map(lambda after: NOW + after),
        "commit": st.none() | st.sampled_from(["1" * 40, "ab" * 20]),
    },
)
Act = Callable[[RunStore], Any]


def creating(run_id: RunId, changes: dict[str, Any]) -> Act:
    return lambda store: store.create(a_run(run_id=run_id, **changes))


def changing(run_id: RunId, changes: dict[str, Any], races: list[dict[str, Any]]) -> Act:
    """Change a record while others are first, once for each of `races`."""

    def act(store: RunStore) -> Run | None:
        first = list(races)

        def decide(run: Run) -> Run:
            if first:
                faster = first.pop()
                store.change(run_id, lambda run: run.changed(**faster))
            return run.changed(**changes)

        return store.change(run_id, decide)

    return act


def stored_by(act: Act, client: Any) -> Any:
    return act(RunStore(client, RUNS))


def listing(state: State, after: timedelta, limit: int | None, text: str) -> Act:
    return lambda store: [
        list(store.unmoved(state, NOW + after)),
        list(store.latest(state, limit)),
        list(store.beginning(state, text)),
    ]


ACTS: st.SearchStrategy[Act] = st.one_of(
    st.builds(creating, IDS, CHANGES),
    st.builds(changing, IDS, CHANGES, st.lists(CHANGES, max_size=2)),
    st.builds(lambda run_id: lambda store: store.get(run_id), IDS),
    st.builds(
        listing, STATES, TIMES, st.none() | st.integers(1, 3), st.sampled_from(["1", "ab", "?"])
    ),
)


@settings(max_examples=40, deadline=None)
@given(begin=st.lists(st.builds(creating, IDS, CHANGES), min_size=3), acts=st.lists(ACTS))
def test_runs_are_stored_changed_and_listed_alike(
    moto: Any, begin: list[Act], acts: list[Act]
) -> None:
    both = both_empty(moto)
    for act in [*begin, *acts]:
        both.agree(partial(stored_by, act))

    both.hold_the_same(RUNS)


def a_result(number: int, objective: float) -> Best:
    at = datetime(2026, 11, 20, 12, number, tzinfo=UTC)
    return Best(objective, {"lr": objective, "layers": [1, 2]}, "4f2a", 1, number, None, at)


RESULTS = st.lists(
    st.builds(a_result, st.integers(0, 5), st.sampled_from([0.5, 1.0, 2.5, 1e-140])), max_size=4
)
COMMITS = st.tuples(
    st.sampled_from(["", "avx2"]),
    RESULTS,
    st.integers(1, 3),
    st.sampled_from(["maximize", "maximize", "minimize"]),
)


@settings(max_examples=20, deadline=None)
@given(commits=st.lists(COMMITS, min_size=1, max_size=6))
def test_the_best_results_are_kept_alike(moto: Any, commits: list[Any]) -> None:
    both = both_empty(moto)
    for target, entries, nbest, direction in commits:

        def act(client: Any, given: Any = (target, "s", entries, nbest, direction)) -> object:
            best = BestResults(client, BEST, pause=lambda _seconds: None)
            best.check()
            best.check_writing()
            return best.commit(*given), best.read(given[0], "s")

        both.agree(act)

    both.hold_the_same(BEST)


def test_a_table_that_is_not_there_is_found_out_alike(moto: Any) -> None:
    both = both_empty(moto)

    refused = both.agree(lambda client: BestResults(client, "none").check())
    assert refused[0] == "Rejected"
    missing = both.agree(lambda client: RunStore(client, "none").get(RunId("1" * 24)))
    assert missing == "ResourceNotFoundException"


# ---- call by call --------------------------------------------------------------------------------

NAMES = {"#a": "a", "#b": "b"}
RUN_ID = {"run_id": IDS.map(lambda run_id: {"S": run_id})}
INDEXED = {
    "state": STATES.map(lambda state: {"S": state}),
    "updated_at": st.sampled_from(["1", "2", "3"]).map(lambda text: {"S": text}),
}
OTHERS = {"a": ATTRIBUTES, "b": ATTRIBUTES}
# An item without all keys of an index is not in it.
ITEMS = st.one_of(
    st.fixed_dictionaries(RUN_ID | INDEXED, optional=OTHERS),
    st.fixed_dictionaries(RUN_ID, optional=INDEXED | OTHERS),
)
CONDITIONS = st.sampled_from(
    [
        "attribute_not_exists(#a)",
        "attribute_exists(#a) AND #b = :v",
        "#a = :v OR NOT (#b = :v)",
        "#a = #b AND #a = :v",
        "begins_with(#a, :v) AND attribute_exists(#b) OR #b = :v",
    ]
)
UPDATES = st.sampled_from(
    [
        "SET #a = :v",
        "SET #a = :v, #b = :v",
        "SET #a = :v REMOVE #b",
        "REMOVE #b SET #a = :v",
        "REMOVE #a, #b",
    ]
)


def written(*expressions: str | None, value: dict[str, Any]) -> dict[str, Any]:
    """What stands for the placeholders that occur in expressions, and for no other."""
    text = " ".join(one or "" for one in expressions)
    names = {name: one for name, one in NAMES.items() if name in text}
    return {
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": {":v": value}} if ":v" in text else {}),
    }


def putting(item: dict[str, Any], condition: str | None, value: dict[str, Any]) -> Any:
    if_so = {"ConditionExpression": condition} if condition else {}
    return lambda client: client.put_item(
        TableName=RUNS, Item=item, **if_so, **written(condition, value=value)
    )


def updating(run_id: RunId, update: str, condition: str | None, value: dict[str, Any]) -> Any:
    if_so = {"ConditionExpression": condition} if condition else {}
    return lambda client: client.update_item(
        TableName=RUNS,
        Key={"run_id": {"S": run_id}},
        UpdateExpression=update,
        **if_so,
        **written(update, condition, value=value),
    )


def pages_of(state: State, compare: str | None, *, forward: bool, limit: int | None) -> Any:
    """All items that a query finds in all its pages, and that no page has more than it may."""

    def ask(client: Any) -> list[Any]:
        values = {":state": {"S": state}} | ({":at": {"S": "2"}} if compare else {})
        key = "#state = :state" + (f" AND updated_at {compare} :at" if compare else "")
        found: list[Any] = []
        more: dict[str, Any] = {"Limit": limit} if limit else {}
        while True:
            answer = client.query(
                TableName=RUNS,
                IndexName=INDEX,
                KeyConditionExpression=key,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=values,
                ScanIndexForward=forward,
                **more,
            )
            found += answer["Items"]
            assert limit is None or answer["Count"] <= limit
            if "LastEvaluatedKey" not in answer:
                return found
            assert set(answer["LastEvaluatedKey"]) == {"state", "updated_at", "run_id"}
            more["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    return ask


CALLS = st.one_of(
    st.builds(putting, ITEMS, st.none() | CONDITIONS, ATTRIBUTES),
    st.builds(updating, IDS, UPDATES, st.none() | CONDITIONS, ATTRIBUTES),
    st.builds(
        pages_of,
        STATES,
        st.none() | st.sampled_from(["<", "<=", ">", ">=", "="]),
        forward=st.booleans(),
        limit=st.none() | st.integers(1, 3),
    ),
)


@settings(max_examples=70, deadline=None)
@given(
    begin=st.lists(st.builds(putting, ITEMS, st.none(), st.just({})), min_size=4),
    calls=st.lists(CALLS, min_size=1),
)
def test_writes_conditions_and_pages_are_alike(
    moto: Any, begin: list[Any], calls: list[Any]
) -> None:
    both = both_empty(moto)
    for call in [*begin, *calls]:
        both.agree(call)

    both.hold_the_same(RUNS)


@pytest.mark.parametrize(
    "call",
    [
        putting({"a": {"S": "no key"}}, None, {}),
        putting({"run_id": {"S": ""}}, None, {}),
        putting({"run_id": {"N": "1"}}, None, {}),
        putting({"run_id": {"S": "1"}, "a": {"S": "x" * 420_000}}, None, {}),
        putting({"run_id": {"S": "1"}, "a": {"S": "ü" * 190_000}}, None, {}),
        updating(RunId("1" * 24), "SET run_id = :v", None, {"S": "2"}),
        updating(RunId("1" * 24), "SET #a = :v, #a = :v", None, {"S": "2"}),
        lambda client: client.put_item(
            TableName=RUNS,
            Item={"run_id": {"S": "1"}},
            ConditionExpression="attribute_not_exists(#a)",
            ExpressionAttributeNames={"#a": "a", "#unused": "b"},
        ),
        lambda client: client.get_item(TableName=RUNS, Key={"run_id": {"S": "1"}, "a": {"S": "1"}}),
        lambda client: client.get_item(TableName=BEST, Key={"target": {"S": "-"}}),
        lambda client: client.query(
            TableName=RUNS,
            IndexName=INDEX,
            KeyConditionExpression="updated_at < :at",
            ExpressionAttributeValues={":at": {"S": "2"}},
        ),
    ],
)
def test_what_dynamodb_does_not_take_is_refused_alike(moto: Any, call: Any) -> None:
    both = both_empty(moto)
    answer = both.agree(call)

    assert answer in ("ValidationException", {})
    both.hold_the_same(RUNS)
