"""The table of runs: conditional writes, lost races, unknown attributes, the index."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.errors import Rejected, Unavailable
from shared.events import RunId
from shared.machine_runs import reported
from shared.run_store import RunStore
from shared.runs import Run, Stop
from shared.telemetry import log
from tests.integration.service_chain import TABLE, runs_table
from tests.samples import NOW, RUN_ID, a_job, a_run, minutes
from tests.samples_machines import a_machine, a_machines_run, a_report


@pytest.fixture
def store(dynamodb: Any) -> Iterator[RunStore]:
    with runs_table(dynamodb):
        yield RunStore(dynamodb, TABLE)


def item(dynamodb: Any) -> dict[str, Any]:
    answer = dynamodb.get_item(TableName=TABLE, Key={"run_id": {"S": RUN_ID}})
    found: dict[str, Any] = answer["Item"]
    return found


def test_what_is_created_is_read_back(store: RunStore) -> None:
    run = a_run(
        job=a_job(job_id="job-1"),
        stop=Stop(by="Someone", why="\u2603", attempt=1, at=NOW),
        reason="a" * 100_000,
        exit_code=137,
    )

    assert store.create(run)
    assert store.get(RUN_ID) == run
    assert store.get(RunId("none")) is None


def test_a_record_that_cannot_be_read_hides_no_other(
    store: RunStore, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(vars(log), "bind", raising=False)  # the proxy keeps its first logger
    others = [a_run(run_id=RunId(letter * 24)) for letter in "ac"]
    for run in (others[0], a_run(), others[1]):
        assert store.create(run)
    newer = item(dynamodb) | {"asked": {"M": {"gpus": {"S": "as a newer version has it"}}}}
    dynamodb.put_item(TableName=TABLE, Item=newer)

    with capture_logs() as lines:
        listed = list(store.unmoved("requested", NOW + timedelta(minutes=1)))

    assert sorted(run.run_id for run in listed) == [run.run_id for run in others]
    (line,) = lines
    assert (line["log_level"], line["event"]) == ("error", "record not readable")
    assert line["run_id"] == RUN_ID
    assert any(place.startswith("asked.gpus") for place in line["why"])
    assert "as a newer" not in str(line)


def test_a_run_that_exists_is_not_created_again(store: RunStore) -> None:
    assert store.create(a_run())
    assert not store.create(a_run(state="rejected"))

    stored = store.get(RUN_ID)
    assert stored is not None
    assert stored.state == "requested"


def test_a_change_raises_the_version_by_one_and_returns_what_is_stored(store: RunStore) -> None:
    store.create(a_run())
    odd = datetime(2026, 11, 20, 12, 0, 0, 123_456, UTC)

    changed = store.change(RUN_ID, lambda run: run.changed(state="submitted", lease_until=odd))

    assert changed == store.get(RUN_ID)
    assert changed is not None
    assert changed.version == 2
    assert changed.lease_until == odd.replace(microsecond=123_000)


def test_a_change_to_the_same_writes_nothing(store: RunStore) -> None:
    store.create(a_run())

    assert store.change(RUN_ID, lambda run: run) == a_run()
    assert store.change(RUN_ID, lambda run: run.changed(state="requested")) == a_run()


def test_there_is_nothing_to_change_in_a_run_that_does_not_exist(store: RunStore) -> None:
    assert store.change(RUN_ID, lambda run: run.changed(state="failed")) is None


def test_a_writer_that_lost_the_race_reads_again_and_decides_again(store: RunStore) -> None:
    store.create(a_run())
    seen: list[str] = []

    def slow(run: Run) -> Run:
        seen.append(run.state)
        if len(seen) == 1:
            store.change(RUN_ID, lambda other: other.changed(state="running"))
        return run.changed(reason=f"seen {run.state}")

    after = store.change(RUN_ID, slow)

    assert seen == ["requested", "running"]
    assert after is not None
    assert (after.state, after.reason, after.version) == ("running", "seen running", 3)


def test_a_writer_that_loses_every_race_is_unavailable(store: RunStore) -> None:
    store.create(a_run())

    def unlucky(run: Run) -> Run:
        store.change(RUN_ID, lambda other: other.changed(exit_code=other.version))
        return run.changed(reason="mine")

    with pytest.raises(Unavailable, match="other writers were first"):
        store.change(RUN_ID, unlucky)
    stored = store.get(RUN_ID)
    assert stored is not None
    assert stored.reason is None


def test_a_decision_that_raises_writes_nothing(store: RunStore) -> None:
    store.create(a_run())

    def refuse(run: Run) -> Run:
        raise Rejected(run.state)

    with pytest.raises(Rejected):
        store.change(RUN_ID, refuse)
    assert store.get(RUN_ID) == a_run()


def test_attributes_that_a_newer_version_has_added_survive(store: RunStore, dynamodb: Any) -> None:
    store.create(a_run(reason="old"))
    dynamodb.update_item(
        TableName=TABLE,
        Key={"run_id": {"S": RUN_ID}},
        UpdateExpression="SET sweep = :sweep",
        ExpressionAttributeValues={":sweep": {"M": {"size": {"N": "8"}}}},
    )

    store.change(RUN_ID, lambda run: run.changed(state="running", reason=None))

    stored = item(dynamodb)
    assert stored["sweep"] == {"M": {"size": {"N": "8"}}}
    assert stored["state"] == {"S": "running"}
    assert "reason" not in stored


def test_a_record_of_an_older_version_is_read(store: RunStore, dynamodb: Any) -> None:
    store.create(a_run())
    dynamodb.update_item(
        TableName=TABLE,
        Key={"run_id": {"S": RUN_ID}},
        UpdateExpression="REMOVE pushed_by, #try",
        ExpressionAttributeNames={"#try": "try"},
    )

    stored = store.get(RUN_ID)
    assert stored is not None
    assert stored.try_number == 1
    assert stored.pushed_by.name is None


def many(store: RunStore, count: int, **changes: Any) -> None:
    for number in range(count):
        moved = NOW + timedelta(seconds=number)
        store.create(a_run(run_id=f"{number:024}", updated_at=moved, **changes))


def test_the_index_finds_what_has_not_moved_since_the_oldest_first(store: RunStore) -> None:
    many(store, 5)
    store.create(a_run(run_id=RunId("other"), state="running"))

    found = [run.updated_at for run in store.unmoved("requested", NOW + timedelta(seconds=3))]

    assert found == [NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)]
    assert [run.run_id for run in store.unmoved("running", NOW + minutes(1))] == ["other"]
    assert list(store.unmoved("failed", NOW + minutes(1))) == []


def test_the_index_lists_what_changed_last_first(store: RunStore) -> None:
    many(store, 3)

    assert [run.updated_at.second for run in store.latest("requested")] == [2, 1, 0]


def test_the_index_is_read_page_by_page_to_its_end(store: RunStore) -> None:
    many(store, 30, reason="x" * 100_000)  # a page is a megabyte

    assert len(list(store.unmoved("requested", NOW + minutes(1)))) == 30
    assert len(list(store.latest("requested"))) == 30


def test_the_machine_of_a_run_is_stored_with_it(store: RunStore) -> None:
    assert store.create(a_machines_run())

    changed = store.change(
        RUN_ID, lambda run: reported(run, a_report("succeeded", archive="s3://b/k"), NOW)
    )

    assert changed == store.get(RUN_ID)
    assert changed is not None
    assert changed.machine == a_machine(archive="s3://b/k")
