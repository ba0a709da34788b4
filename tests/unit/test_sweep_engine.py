"""The loop of a sweep on a small model of the stack, in virtual time."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cli.sweep.config import Plan
from cli.sweep.domains import Between
from cli.sweep.spaces import SearchSpace
from shared.errors import Unavailable
from shared.space import Point, Space, parse
from tests.fakes import Crash
from tests.unit.sweep_world import Outcome, Sweep, World


def a_grid(text: str = "lr=0.1,0.01 depth=range(0,10)", **changes: Any) -> Plan:
    space = parse(text)
    plan = Plan(
        strategy="grid", trials=space.size, space=SearchSpace(space.parameters), objective="f1"
    )
    return replace(plan, **changes)


def a_search(trials: int, **changes: Any) -> Plan:
    space = SearchSpace({"x": Between(-5.0, 10.0)})
    plan = Plan(
        strategy="bayes", trials=trials, space=space, objective="loss", direction="minimize"
    )
    return replace(plan, **changes)


def by_depth(point: Point) -> Outcome:
    """A point's outcome: the deeper the better, and the longer."""
    depth = float(str(point.get("depth", 1)))
    return Outcome(objective=depth, seconds=10 + depth)


Begin = Callable[..., Sweep]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Makes sweeps, each with a trace of its own."""
    numbers = count()

    def make(world: World, plans: list[Plan], budget: float | None = None) -> Sweep:
        return Sweep(world, plans, tmp_path / f"{next(numbers)}.jsonl", budget)

    return make


def verdicts(sweep: Sweep) -> Counter[str]:
    assert sweep.screen.last is not None
    tallies = [Counter[str](line.tally) for line in sweep.screen.last.lines]
    return sum(tallies, Counter[str]())


def test_a_sweep_without_a_limit_is_one_wave(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid()])

    assert sweep.run() == "complete"
    assert sweep.world.calls["send"] == 1
    assert verdicts(sweep) == {"ok": 20}
    assert set(sweep.world.executions.values()) == {1}


def test_more_points_than_an_array_job_takes_are_several_waves_at_once(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid("depth=range(0,25000)")])
    sweep.run(seconds=5000)

    assert sweep.world.calls["send"] == 3
    assert verdicts(sweep) == {"ok": 25_000}


def test_the_best_point_is_known_with_its_place(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid()])
    sweep.run()

    assert sweep.screen.last is not None
    best = sweep.screen.last.lines[0].best
    assert best is not None
    assert (best.objective, best.point) == (9.0, {"lr": 0.1, "depth": 9})


@pytest.mark.parametrize("limit", [1, 2, 5, 7])
def test_no_more_points_are_in_flight_than_allowed_and_waves_are_not_single_points(
    begin: Begin, limit: int
) -> None:
    sweep = begin(World(by_depth), [a_grid("depth=range(0,40)", concurrency=limit)])
    sweep.run()

    assert sweep.world.most_in_flight == limit
    assert verdicts(sweep) == {"ok": 40}
    assert sweep.world.calls["send"] <= 40 / max(1, limit // 4) + 1


def test_the_pool_does_not_run_dry_while_points_are_left(begin: Begin) -> None:
    world = World(lambda _: Outcome(objective=1, seconds=100))
    sweep = begin(world, [a_grid("depth=range(0,64)", concurrency=16)])
    start = world.now
    sweep.run()

    assert (world.now - start).total_seconds() < 64 / 16 * 100 + 30


def test_a_search_has_ten_points_in_flight_unless_told_otherwise_and_learns(begin: Begin) -> None:
    def bowl(point: Point) -> Outcome:
        return Outcome(objective=(float(str(point["x"])) - 3) ** 2)

    sweep = begin(World(bowl), [a_search(40)])
    sweep.run()

    assert sweep.world.most_in_flight == 10
    assert verdicts(sweep) == {"ok": 40}
    assert sweep.screen.last is not None
    best = sweep.screen.last.lines[0].best
    assert best is not None
    assert best.objective < 0.5


def test_targets_go_side_by_side_each_with_its_own_limit(begin: Begin) -> None:
    plans = [a_grid("depth=range(0,8)", target=one, concurrency=4) for one in ("llvm", "cuda")]
    sweep = begin(World(by_depth), plans)
    sweep.run()

    assert sweep.world.most_in_flight == 8
    assert sweep.screen.last is not None
    shots = sweep.screen.last.lines
    assert [(shot.target, shot.done) for shot in shots] == [("llvm", 8), ("cuda", 8)]
    assert all(shot.best is not None and shot.best.objective == 7 for shot in shots)


def test_a_point_that_left_nothing_has_failed_once_its_wave_is_over(begin: Begin) -> None:
    def outcome(point: Point) -> Outcome:
        return Outcome(objective=1.0, vanishes=point["depth"] == 3)

    sweep = begin(World(outcome), [a_grid()])
    sweep.run()

    assert verdicts(sweep) == {"ok": 18, "failed": 2}
    assert "wave 1: 2 of 20 points left no result" in sweep.screen.said


def test_a_point_that_is_tried_again_has_not_failed_before_its_last_try(begin: Begin) -> None:
    def outcome(point: Point) -> Outcome:
        return Outcome(objective=1.0, fails={3: 1, 4: 3}.get(int(str(point["depth"])), 0))

    sweep = begin(World(outcome), [a_grid(retries=2)])
    sweep.run()

    assert verdicts(sweep) == {"ok": 18, "failed": 2}
    assert sweep.screen.said == []


def test_the_cost_of_a_look_does_not_grow_with_the_points(begin: Begin) -> None:
    def calls(points: int) -> Counter[str]:
        world = World(lambda _: Outcome(objective=1.0, seconds=100))
        begin(world, [a_grid(f"depth=range(0,{points})")]).run()
        return world.calls

    assert calls(9000) == calls(90)
    looks = calls(90)["describe"]
    assert looks == 50
    assert calls(90)["results"] <= looks
    assert calls(90)["record"] == 2


def test_what_is_open_in_many_waves_is_asked_for_at_once(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid("depth=range(0,100)", concurrency=80)])
    sweep.run()

    assert max(sweep.world.described) > 1
    assert sweep.world.calls["describe"] < 100


def test_when_the_budget_is_spent_nothing_more_is_sent_and_the_rest_is_stopped(
    begin: Begin,
) -> None:
    world = World(lambda _: Outcome(objective=1.0, seconds=100), workers=10)
    sweep = begin(world, [a_grid("depth=range(0,100)", concurrency=40)], budget=1000)

    assert sweep.run() == "budget"
    counts = verdicts(sweep)
    assert counts["failed"] == 0
    assert 10 <= counts["ok"] <= 20
    assert counts["stopped"] > 0
    assert "the budget of 1000 s of machine time is spent" in sweep.screen.said[0]
    assert all(run.final for run in world.runs.values())


def test_a_budget_that_is_spent_by_the_last_point_stops_nothing(begin: Begin) -> None:
    world = World(lambda _: Outcome(objective=1.0, seconds=100))
    sweep = begin(world, [a_grid()], budget=2000)

    assert sweep.run() == "complete"


def test_who_leaves_finds_it_going_on(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid()])

    assert sweep.run(answers={2: "leave"}) == "left"
    sweep.world.advance(100)
    assert sweep.run() == "complete"
    assert verdicts(sweep) == {"ok": 20}
    assert set(sweep.world.executions.values()) == {1}


def test_who_stops_ends_what_waits_and_keeps_what_is_there(begin: Begin) -> None:
    world = World(lambda _: Outcome(objective=1.0, seconds=10), workers=4)
    sweep = begin(world, [a_grid()])

    assert sweep.run(answers={6: "stop"}) == "stopped"
    counts = verdicts(sweep)
    assert counts["ok"] + counts["stopped"] == 20
    assert counts["ok"] >= 4
    assert counts["stopped"] >= 4


def test_what_cannot_be_reached_is_asked_again_after_the_next_pause(begin: Begin) -> None:
    world = World(by_depth)
    sweep = begin(world, [a_grid()])
    world.away(*[Unavailable("asking for a run: away")] * 3)

    assert sweep.run() == "complete"
    assert sweep.screen.said == ["asking for a run: away: trying again"] * 3
    assert set(world.executions.values()) == {1}


@pytest.mark.parametrize(
    "plans",
    [
        pytest.param(lambda: [a_grid()], id="everything at once"),
        pytest.param(lambda: [a_grid(concurrency=6, retries=1)], id="a few at once"),
        pytest.param(lambda: [a_search(12, concurrency=3)], id="a search"),
        pytest.param(
            lambda: [a_grid(target="a", concurrency=5), a_grid(target="b")], id="two targets"
        ),
    ],
)
def test_killed_at_any_call_and_resumed_each_point_is_executed_once(
    begin: Begin, plans: Callable[[], list[Plan]]
) -> None:
    size = sum(plan.trials for plan in plans())
    for call in range(1, 13):
        sweep = begin(World(by_depth), plans())
        sweep.world.crash_at(call)
        with pytest.raises(Crash):
            sweep.run()
        sweep.world.advance(random.Random(call).uniform(0, 30))

        assert sweep.run() == "complete", call
        assert verdicts(sweep) == {"ok": size}, call
        assert len(sweep.world.executions) == size, call
        assert set(sweep.world.executions.values()) == {1}, call


def test_killed_again_and_again_it_still_comes_to_its_end(begin: Begin) -> None:
    source = random.Random(7)
    sweep = begin(World(by_depth), [a_grid("depth=range(0,60)", concurrency=8)])
    killed = 0
    while True:
        sweep.world.crash_at(source.randint(1, 40))
        try:
            outcome = sweep.run()
        except Crash:
            killed += 1
            continue
        break

    assert outcome == "complete"
    assert killed > 5
    assert set(sweep.world.executions.values()) == {1}
    assert verdicts(sweep) == {"ok": 60}


def test_a_space_of_one_point_is_a_wave_of_one(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid("depth=4")])

    assert sweep.run() == "complete"
    assert Space(parse("depth=4").parameters).size == 1
    assert verdicts(sweep) == {"ok": 1}
