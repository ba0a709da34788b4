"""Records that releases of other versions have written: they mean what they meant."""

import pytest

from shared.items import attribute
from shared.run_store import RunStore
from tests.samples import RUN_ID, a_run
from tests.simulation import names
from tests.simulation.aging_records import AgedRecords
from tests.simulation.models.declared import declare_tables
from tests.simulation.models.dynamodb import DynamoDb
from tests.simulation.models.ports import Benign

TABLE = names.ref("RunsTable")


@pytest.fixture
def dynamodb() -> DynamoDb:
    made = DynamoDb(lambda: 0.0, Benign(), lambda _seconds, _act, _label: None)
    declare_tables(made)
    RunStore(made, TABLE).create(a_run())
    return made


@pytest.mark.parametrize("newer", [True, False])
def test_an_aged_record_means_what_it_meant(dynamodb: DynamoDb, newer: bool) -> None:
    before = dynamodb.items(TABLE)[RUN_ID,]
    aged = AgedRecords(TABLE)

    aged.age(dynamodb, newer=newer)

    after = dynamodb.items(TABLE)[RUN_ID,]
    assert after != before
    assert RunStore(dynamodb, TABLE).get(RUN_ID) == a_run()
    assert aged.as_written(after) == before


def test_what_the_product_writes_keeps_what_a_newer_release_has_added(dynamodb: DynamoDb) -> None:
    aged = AgedRecords(TABLE)
    aged.age(dynamodb, newer=True)

    RunStore(dynamodb, TABLE).change(RUN_ID, lambda run: run.changed(reason="another"))

    assert aged.dropped(dynamodb.items(TABLE)[RUN_ID,]) == []


def test_a_record_that_is_written_whole_has_dropped_it(dynamodb: DynamoDb) -> None:
    aged = AgedRecords(TABLE)
    aged.age(dynamodb, newer=True)
    fields = a_run().model_dump(mode="json", by_alias=True, exclude_none=True)

    dropped = aged.dropped({name: attribute(one) for name, one in fields.items()})

    assert dropped == ["added_in_a_newer_release", "asked.added_in_a_newer_release"]
