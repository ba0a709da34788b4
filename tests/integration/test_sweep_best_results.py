"""Best results in a table of moto's: many commit at once, and nothing is lost."""

import math
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.best import MOST_ENTRIES, Best, BestResults
from shared.errors import Rejected, Unavailable
from tests.samples import NOW

TABLE = "tuning"


def an_entry(objective: float, index: int = 0, sweep_id: str = "4f2a", **changes: Any) -> Best:
    fields: dict[str, Any] = {
        "objective": objective,
        "parameters": {"lr": 0.1, "depth": 2},
        "sweep_id": sweep_id,
        "wave": 1,
        "index": index,
        "commit": "0" * 40,
        "at": NOW,
    }
    return Best(**fields | changes)


@pytest.fixture
def table(dynamodb: Any) -> Iterator[Any]:
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "target", "AttributeType": "S"},
            {"AttributeName": "study", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "target", "KeyType": "HASH"},
            {"AttributeName": "study", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield dynamodb
    dynamodb.delete_table(TableName=TABLE)


class Interleaved:
    """A client that lets another writer come between what is read and what is written."""

    def __init__(self, dynamodb: Any, between: list[Callable[[], object]]) -> None:
        self._dynamodb = dynamodb
        self._between = between

    def get_item(self, **call: Any) -> Any:
        answer = self._dynamodb.get_item(**call)
        if self._between:
            self._between.pop(0)()
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)


class OneWriteAtATime:
    """A client whose writes are atomic, as DynamoDB's are: moto's check and write are two steps."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self._lock = threading.Lock()

    def update_item(self, **call: Any) -> Any:
        with self._lock:
            return self._dynamodb.update_item(**call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)


def kept(table: Any, target: str = "cuda") -> list[float]:
    return [one.objective for one in BestResults(table, TABLE).read(target, "churn")]


def test_the_best_of_what_was_there_and_of_what_is_new_are_kept_the_best_first(table: Any) -> None:
    best = BestResults(table, TABLE)
    best.commit("cuda", "churn", [an_entry(0.5, 1), an_entry(0.9, 2)], 3, "maximize")
    told = best.commit("cuda", "churn", [an_entry(0.7, 3), an_entry(0.1, 4)], 3, "maximize")

    assert [one.objective for one in told] == [0.9, 0.7, 0.5]
    assert best.read("cuda", "churn") == told
    assert best.read("llvm", "churn") == []


def test_a_minimum_is_kept_where_less_is_better(table: Any) -> None:
    best = BestResults(table, TABLE)
    told = best.commit("", "churn", [an_entry(3.0, 1), an_entry(-1.0, 2)], 1, "minimize")

    assert [one.objective for one in told] == [-1.0]
    assert best.read("", "churn") == best.read("-", "churn") == told


def test_values_come_back_exactly_as_they_went_in(table: Any) -> None:
    numbers = [0.1 + 0.2, 1e-05, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789]
    parameters = {"lr": 1.0, "depth": 1, "act": "relu", "bias": None, "on": True, "e": 1e-200}
    entries = [an_entry(one, at, parameters=parameters) for at, one in enumerate(numbers)]
    BestResults(table, TABLE).commit("cuda", "churn", entries, 10, "minimize")
    read = BestResults(table, TABLE).read("cuda", "churn")

    assert [one.objective for one in read] == sorted(numbers)
    assert {str(one.parameters) for one in read} == {str(parameters)}
    assert read[0].at == NOW


def test_who_wants_few_drops_nothing_of_who_wants_many(table: Any) -> None:
    best = BestResults(table, TABLE)
    best.commit("cuda", "churn", [an_entry(one / 10, one) for one in range(5)], 5, "maximize")
    best.commit("cuda", "churn", [an_entry(0.9, 9)], 1, "maximize")

    assert kept(table) == [0.9, 0.4, 0.3, 0.2, 0.1]


def test_no_more_than_a_hundred_are_kept(table: Any) -> None:
    entries = [an_entry(float(one), one) for one in range(150)]
    told = BestResults(table, TABLE).commit("cuda", "churn", entries, 1000, "maximize")

    assert len(told) == MOST_ENTRIES
    assert told[-1].objective == 50.0


def test_to_commit_the_same_again_writes_nothing(table: Any) -> None:
    best = BestResults(table, TABLE)
    key = {"target": {"S": "cuda"}, "study": {"S": "churn"}}
    for _ in range(2):
        best.commit("cuda", "churn", [an_entry(1e-05, 1)], 3, "maximize")

    assert table.get_item(TableName=TABLE, Key=key)["Item"]["version"] == {"N": "1"}


def test_the_better_of_two_results_of_a_point_is_kept(table: Any) -> None:
    best = BestResults(table, TABLE)
    later = NOW + timedelta(hours=1)
    first = [an_entry(value, index) for index, value in enumerate([0.9, 0.8, 0.7])]
    best.commit("cuda", "churn", first, 2, "maximize")
    best.commit("cuda", "churn", [an_entry(0.5, 0, at=later)], 2, "maximize")
    best.commit("cuda", "churn", [an_entry(0.95, 1, at=later)], 2, "maximize")

    assert kept(table) == [0.95, 0.9]


def test_who_was_overtaken_reads_again_and_both_are_kept(table: Any) -> None:
    def other(at: int) -> Callable[[], object]:
        entry = an_entry(0.5 + at / 10, at, "other")
        return lambda: BestResults(table, TABLE).commit("cuda", "churn", [entry], 9, "maximize")

    slow = BestResults(Interleaved(table, [other(1), other(2)]), TABLE, pause=lambda _: None)
    slow.commit("cuda", "churn", [an_entry(0.9, 0, "ours")], 9, "maximize")

    assert kept(table) == [0.9, 0.7, 0.6]


def test_who_is_overtaken_each_time_says_so(table: Any) -> None:
    entries = [an_entry(0.1, at, "other") for at in range(100)]

    def other(at: int) -> Callable[[], object]:
        ours = [entries[at]]
        return lambda: BestResults(table, TABLE).commit("cuda", "churn", ours, 100, "maximize")

    between = [other(at) for at in range(100)]
    pauses: list[float] = []
    slow = BestResults(Interleaved(table, between), TABLE, pause=pauses.append)
    with pytest.raises(Unavailable, match="other writers were first"):
        slow.commit("cuda", "churn", [an_entry(0.9)], 9, "maximize")

    assert max(pauses) <= 1.0


def test_threads_that_commit_at_once_lose_nothing(table: Any) -> None:
    begin, shared = threading.Barrier(4), OneWriteAtATime(table)
    shuffled = random.Random(5).sample(range(80), 80)

    def commit(worker: int) -> None:
        begin.wait(timeout=120)
        mine = shuffled[worker * 20 : worker * 20 + 20]
        for at in range(0, 20, 4):
            entries = [an_entry(one / 100, one, f"sweep-{worker}") for one in mine[at : at + 4]]
            BestResults(shared, TABLE).commit("cuda", "churn", entries, 10, "maximize")

    threads = [threading.Thread(target=commit, args=[worker]) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)

    assert kept(table) == [one / 100 for one in range(79, 69, -1)]


def test_a_study_of_the_other_direction_is_left_alone(table: Any) -> None:
    best = BestResults(table, TABLE)
    best.commit("cuda", "churn", [an_entry(0.9)], 3, "maximize")
    with pytest.raises(Rejected, match="to maximize and not to minimize: give this one another"):
        best.commit("cuda", "churn", [an_entry(0.1, 1)], 3, "minimize")

    assert kept(table) == [0.9]


def test_parameters_longer_than_an_item_are_refused_and_nothing_is_written(table: Any) -> None:
    long = {"prompt": "x" * 200_000}
    entries = [an_entry(one / 10, one, parameters=long) for one in range(2)]
    with pytest.raises(Rejected, match="keep fewer"):
        BestResults(table, TABLE).commit("cuda", "churn", entries, 2, "maximize")

    assert kept(table) == []


def test_a_result_that_is_no_number_is_a_bug(table: Any) -> None:
    with pytest.raises(ValueError, match="nan"):
        BestResults(table, TABLE).commit("cuda", "churn", [an_entry(math.nan)], 2, "maximize")


def test_a_table_that_is_not_there_is_named_with_the_keys_to_make_it_with(table: Any) -> None:
    BestResults(table, TABLE).check()
    with pytest.raises(Rejected, match=r"no table tunign .* partition key target and the sort key"):
        BestResults(table, "tunign").check()


def test_a_table_with_other_keys_is_refused(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="others",
        AttributeDefinitions=[{"AttributeName": "target", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "target", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(Rejected, match=r"others has the keys target \(N, hash\): make one"):
        BestResults(dynamodb, "others").check()
    dynamodb.delete_table(TableName="others")
