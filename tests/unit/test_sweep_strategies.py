"""How the points of a sweep are chosen, and that an interruption changes nothing in it."""

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.sweep.config_plan import Direction, Plan
from cli.sweep.config_plan import Strategy as Kind
from cli.sweep.domains import Between
from cli.sweep.spaces import SearchSpace
from cli.sweep.spaces_points import key
from cli.sweep.strategies import Strategy, at_random, open_strategy
from shared.errors import Rejected
from shared.space import Point, parse

SMALL = SearchSpace(parse("lr=0.1,0.01 depth=range(2,8) act=relu,tanh").parameters)
MIXED = SearchSpace(
    {
        "x": Between(-5, 10),
        "rate": Between(1e-5, 1, log=True),
        **parse(
            "depth=range(2,8) decay=logspace(1,1e-6,7) width=64,128,32 act=relu,1,null"
        ).parameters,
    }
)


def plan(kind: Kind, space: SearchSpace, trials: int, seed: int = 1) -> Plan:
    return Plan(kind, trials, space, seed=seed, objective="loss", direction="minimize")


def loss(point: Point) -> float | None:
    """A made-up objective; some points have none."""
    number = sum(float(value) for value in point.values() if isinstance(value, float))
    return None if point.get("depth") == 7 else number


def all_of(strategy: Strategy, count: int = 5) -> Iterator[Point]:
    while points := strategy.ask(count):
        for point in points:
            strategy.tell(point, loss(point))
            yield point


def different(points: list[Point]) -> int:
    return len(set(map(key, points)))


def test_a_grid_is_every_point_in_order() -> None:
    assert list(all_of(open_strategy(plan("grid", SMALL, 24)))) == list(
        parse("lr=0.1,0.01 depth=range(2,8) act=relu,tanh").points()
    )


def test_a_list_is_its_points_in_order() -> None:
    points: list[Point] = [{"a": 3}, {"b": "x"}, {"a": 1}]

    strategy = open_strategy(Plan("list", 3, points=tuple(points)))

    assert strategy.size == 3
    assert [strategy.ask(2), strategy.ask(2), strategy.ask(2)] == [points[:2], points[2:], []]


@pytest.mark.parametrize("kind", ["random", "bayes"])
@pytest.mark.parametrize("wave", [1, 5, 100])
def test_no_point_comes_twice_until_a_space_is_used_up(kind: Kind, wave: int) -> None:
    points = list(all_of(open_strategy(plan(kind, SMALL, 24)), wave))

    assert different(points) == len(points) == 24


@pytest.mark.parametrize("kind", ["grid", "random", "bayes"])
def test_there_are_as_many_points_as_were_wanted(kind: Kind) -> None:
    strategy = open_strategy(plan(kind, SMALL, 7))

    assert strategy.size == 7
    assert [len(strategy.ask(5)), len(strategy.ask(5)), len(strategy.ask(5))] == [5, 2, 0]


@pytest.mark.parametrize("kind", ["random", "bayes"])
def test_the_seed_decides_which_points_there_are(kind: Kind) -> None:
    first, second, other = (
        list(all_of(open_strategy(plan(kind, MIXED, 20, seed)))) for seed in (1, 1, 2)
    )

    assert first == second
    assert different(first + other) == 40


@pytest.mark.parametrize("kind", ["random", "bayes"])
def test_every_value_is_one_of_the_space(kind: Kind) -> None:
    points = list(all_of(open_strategy(plan(kind, MIXED, 40))))

    for point in points:
        assert list(point) == list(MIXED.parameters)
        assert -5 <= float(str(point["x"])) <= 10
        assert 1e-5 <= float(str(point["rate"])) <= 1
        assert point["depth"] in range(2, 8)
        assert point["decay"] in (1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)
        assert point["width"] in (64, 128, 32)
        assert point["act"] in ("relu", 1, None)
    assert len({point["act"] for point in points}) == 3


def test_random_points_of_a_space_without_end_of_size_cost_nothing() -> None:
    space = SearchSpace(parse("a=range(0,1000000000) b=range(0,1000000000)").parameters)

    points = list(itertools.islice(at_random(space, 1), 1000))

    assert different(points) == 1000


def test_more_random_points_begin_with_the_same_ones() -> None:
    for space in (SMALL, MIXED):
        few, more = (list(all_of(open_strategy(plan("random", space, n)))) for n in (10, 20))

        assert more[:10] == few


@settings(max_examples=25)
@given(
    kind=st.sampled_from(["grid", "random", "bayes"]),
    finite=st.booleans(),
    waves=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    told=st.integers(0, 20),
)
def test_a_strategy_that_is_made_anew_goes_on_as_if_nothing_had_happened(
    kind: Kind, *, finite: bool, waves: list[int], told: int
) -> None:
    wanted = plan(kind, SMALL if finite or kind == "grid" else MIXED, 24)
    first = open_strategy(wanted)
    asked: list[Point] = []
    for count in waves:
        asked += first.ask(count)
    results = [(point, loss(point)) for point in asked[:told]]
    for point, objective in results:
        first.tell(point, objective)

    second = open_strategy(wanted)
    second.replay(asked, results)

    following = first.ask(4)
    assert second.ask(4) == following
    for point in [*asked[told:], *following]:
        first.tell(point, loss(point))
        second.tell(point, loss(point))
    rest = first.ask(30)
    assert second.ask(30) == rest
    assert different([*asked, *following, *rest]) == 24


@pytest.mark.parametrize("kind", ["grid", "random", "bayes"])
def test_what_was_asked_before_counts_when_more_points_are_wanted(kind: Kind) -> None:
    asked = open_strategy(plan(kind, SMALL, 10)).ask(10)
    more = open_strategy(plan(kind, SMALL, 24))

    more.replay(asked, [])

    assert different(asked + more.ask(100)) == 24


def test_a_trace_with_other_parameters_is_refused() -> None:
    with pytest.raises(Rejected, match="the space has other parameters than"):
        open_strategy(plan("bayes", SMALL, 24)).replay([{"lr": 0.1}], [])


@pytest.mark.parametrize("objective", [None, float("nan"), float("inf")])
def test_points_that_fail_do_not_end_a_bayesian_search(objective: float | None) -> None:
    strategy = open_strategy(plan("bayes", MIXED, 40))
    points: list[Point] = []
    while wave := strategy.ask(5):
        points += wave
        for point in wave:
            strategy.tell(point, objective)
            strategy.tell(point, objective)

    assert different(points) == 40


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_bayesian_search_goes_where_the_objective_is_better(direction: Direction) -> None:
    wanted = Plan(
        "bayes", 60, SearchSpace({"x": Between(0, 1)}), direction=direction, objective="x"
    )
    strategy = open_strategy(wanted)
    points = []
    while wave := strategy.ask(5):
        points += [float(str(point["x"])) for point in wave]
        for point in wave:
            strategy.tell(point, float(str(point["x"])))

    late = sorted(points[30:])[15]
    assert late > 0.8 if direction == "maximize" else late < 0.2


def test_a_wave_is_spread_out() -> None:
    strategy = open_strategy(plan("bayes", SearchSpace({"x": Between(0, 1)}), 60))
    for _ in range(4):
        for point in strategy.ask(5):
            strategy.tell(point, (float(str(point["x"])) - 0.5) ** 2)

    wave = sorted(float(str(point["x"])) for point in strategy.ask(10))

    assert wave[-1] - wave[0] > 0.1
    assert len(set(wave)) == 10


def test_optuna_is_quiet_and_leaves_no_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as context:
        context.setattr(logging, "raiseExceptions", True)
        list(all_of(open_strategy(plan("bayes", MIXED, 15))))

    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
