"""What the model of DynamoDB does where the platform leaves it open, once somebody chooses so."""

from typing import Any

import pytest

from shared.events import RunId
from shared.run_store import RunStore
from tests.contracts import wiring
from tests.samples import NOW, a_run, minutes
from tests.simulation.chosen import Chosen
from tests.simulation.models.beside_moto import outcome
from tests.simulation.models.dynamodb import DynamoDb
from tests.simulation.models.ports import Unmodelled


def runs(chosen: Chosen) -> tuple[DynamoDb, RunStore]:
    dynamodb = chosen.make(DynamoDb)
    dynamodb.create_table(TableName="runs", **wiring.properties("RunsTable"))
    return dynamodb, RunStore(dynamodb, "runs")


def test_an_index_that_lags_shows_what_was_before(chosen: Chosen) -> None:
    _, store = runs(chosen)
    store.create(a_run())
    chosen.on = {"index-lag"}
    store.change(a_run().run_id, lambda run: run.changed(state="running"))

    assert [run.version for run in store.latest("requested")] == [1]
    assert not list(store.latest("running"))
    chosen.now += 61
    assert [run.version for run in store.latest("running")] == [2]


def test_an_index_that_lags_does_not_show_a_new_item_even_when_it_changes(chosen: Chosen) -> None:
    _, store = runs(chosen)
    chosen.on = {"index-lag"}
    store.create(a_run())
    chosen.on = set()
    chosen.now += 30
    store.change(a_run().run_id, lambda run: run.changed(reason="r"))

    assert not list(store.latest("requested"))
    chosen.now += 31
    assert [run.version for run in store.latest("requested")] == [2]


def test_only_a_consistent_read_sees_the_latest_write(chosen: Chosen) -> None:
    dynamodb, store = runs(chosen)
    store.create(a_run())
    chosen.on = {"eventual-read"}
    key: dict[str, Any] = {"TableName": "runs", "Key": {"run_id": {"S": a_run().run_id}}}

    assert not dynamodb.get_item(**key)
    assert dynamodb.get_item(**key, ConsistentRead=True)["Item"]
    chosen.now += 6
    assert dynamodb.get_item(**key)["Item"]


def test_a_query_goes_on_where_its_pages_end(chosen: Chosen) -> None:
    dynamodb, store = runs(chosen)
    for number in range(5):
        store.create(a_run(run_id=RunId(f"{number:024}"), updated_at=NOW + minutes(number // 2)))
    dynamodb.page_bytes = 1

    assert [int(run.run_id) for run in store.unmoved("requested", NOW + minutes(9))] == [*range(5)]
    assert [int(run.run_id) for run in store.latest("requested")] == [4, 3, 2, 1, 0]


def test_every_write_is_kept_and_a_refused_one_is_not(chosen: Chosen) -> None:
    dynamodb, store = runs(chosen)
    store.create(a_run())
    store.create(a_run())

    assert [(one.table, one.key) for one in dynamodb.writes] == [("runs", (a_run().run_id,))]


@pytest.mark.parametrize(
    "expression", ["size(#a) > :v", "#a.b = :v", "#a = :v AND", "contains(#a, :v)"]
)
def test_an_expression_that_is_not_known_is_not_guessed_at(chosen: Chosen, expression: str) -> None:
    dynamodb, _ = runs(chosen)
    with pytest.raises(Unmodelled):
        dynamodb.put_item(
            TableName="runs",
            Item={"run_id": {"S": "1"}},
            ConditionExpression=expression,
            ExpressionAttributeNames={"#a": "a"},
            ExpressionAttributeValues={":v": {"N": "1"}},
        )


def test_a_key_of_an_index_is_a_text_if_it_is_there(chosen: Chosen) -> None:
    dynamodb, _ = runs(chosen)
    item = {"run_id": {"S": "1"}, "state": {"N": "1"}}

    put = outcome(lambda: dynamodb.put_item(TableName="runs", Item=item))
    assert put == "ValidationException"
