"""How a sweep ends before its last point, and what the same command then does."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from cli.endings import NotSuccessful
from cli.sweep.engine import Answer
from cli.sweep.lines import Line
from cli.sweep.machine_time import MachineTime
from cli.sweep.noting import remembered
from cli.sweep.preparing import locked
from cli.sweep.resuming import to_send
from cli.sweep.running import _end
from cli.sweep.strategies import open_strategy
from cli.sweep.trace import look
from cli.sweep.trace_state import Target, TraceError
from cli.sweep.waves import Ended
from shared.errors import Rejected
from shared.space import Point
from tests.fakes import Clock
from tests.unit.sweep_world import Outcome, World
from tests.unit.test_sweep_engine import Begin, a_grid, a_search, begin, by_depth, verdicts

__all__ = ["begin"]  # a fixture


def slow(objective: float = 1.0, seconds: float = 10, workers: int = 4) -> World:
    return World(lambda _: Outcome(objective=objective, seconds=seconds), workers=workers)


def stopping(at: int) -> Mapping[int, Answer]:
    return {at: "stop"}


def test_a_rejected_wave_ends_the_sweep_with_its_reason_and_no_point_has_ended(
    begin: Begin,
) -> None:
    sweep = begin(World(by_depth), [a_grid("depth=range(0,200)", concurrency=4)])
    sweep.world.refuse("the stack may not use the queue")

    with pytest.raises(Rejected, match="wave 1 was rejected: the stack may not use the queue"):
        sweep.run()

    assert sweep.world.calls["send"] == 1
    assert look(sweep.path).finished == {}


def test_a_rejected_wave_is_asked_for_again_by_the_next_process(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid()])
    sweep.world.refuse("no job definition X")
    for _ in range(2):
        with pytest.raises(Rejected):
            sweep.run()
    sweep.world.refuse(None)

    assert sweep.run() == "complete"
    assert verdicts(sweep) == {"ok": 20}
    assert list(look(sweep.path).waves) == [1]
    assert [run.attempt for run in sweep.world.runs.values()] == [3]


def test_what_was_rejected_for_its_queue_goes_to_the_one_that_is_named_now(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid(job_queue="not-there")])
    sweep.world.refuse("the stack may not use the queue")
    with pytest.raises(Rejected):
        sweep.run()
    sweep.world.refuse(None)
    sweep.plans = [a_grid(job_queue="there")]

    assert sweep.run() == "complete"
    assert verdicts(sweep) == {"ok": 20}
    queues = [run.asked.sweep.queue for run in sweep.world.runs.values() if run.asked.sweep]
    assert queues == ["not-there", "there"]


@pytest.mark.parametrize("concurrency", [None, 8])
def test_stopped_points_are_sent_again_by_the_same_command(
    begin: Begin, concurrency: int | None
) -> None:
    sweep = begin(slow(), [a_grid(concurrency=concurrency)])
    assert sweep.run(answers=stopping(6)) == "stopped"
    stopped = verdicts(sweep)["stopped"]
    plans, known = sweep.plans, look(sweep.path)

    assert stopped > 0
    assert to_send(plans, known) == [20 - verdicts(sweep)["ok"]]
    assert sweep.run() == "complete"
    assert verdicts(sweep) == Counter(ok=20)
    assert sum(sweep.world.executions.values()) == 20
    assert sweep.run() == "complete"
    assert to_send(plans, look(sweep.path)) == [0]


def test_a_search_is_not_told_of_a_point_that_was_stopped(begin: Begin) -> None:
    sweep = begin(slow(workers=2), [a_search(12)])
    assert sweep.run(answers=stopping(4)) == "stopped"

    assert sweep.run() == "complete"
    assert verdicts(sweep) == Counter(ok=12)
    points = [point["x"] for wave in look(sweep.path).waves.values() for point in wave.points]
    assert len(set(points)) == 12


def test_a_budget_that_was_raised_pays_for_the_points_that_were_stopped(begin: Begin) -> None:
    world = slow(seconds=100, workers=10)
    sweep = begin(world, [a_grid("depth=range(0,100)")], 1000)
    assert sweep.run() == "budget"
    assert sweep.run() == "budget"
    sweep.budget = 1e9

    assert sweep.run() == "complete"
    assert verdicts(sweep) == Counter(ok=100)
    assert sum(world.executions.values()) == 100


def test_killed_while_it_stopped_the_next_process_goes_on_with_all_points(begin: Begin) -> None:
    sweep = begin(slow(), [a_grid()])
    assert sweep.run(answers={6: "leave"}) == "left"
    sweep.world.stop_all()
    sweep.world.advance(1)

    assert sweep.run() == "complete"
    assert verdicts(sweep) == Counter(ok=20)


def test_a_stop_from_elsewhere_ends_the_sweep_although_its_wave_was_done(begin: Begin) -> None:
    sweep = begin(slow(), [a_grid(concurrency=4)])
    world = sweep.world
    finish = world._finish

    def stop_at_the_end() -> None:
        if world.executions.total() == 4:
            world.stop_all()
        finish()

    world._finish = stop_at_the_end  # type: ignore[method-assign]  # a stop in that very moment

    assert sweep.run() == "stopped"
    assert world.calls["send"] == 1
    assert verdicts(sweep) == Counter(ok=4)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Outcome(objective=1.0, seconds=100, fails=99), id="tries that fail"),
        pytest.param(Outcome(seconds=100, vanishes=True), id="points that leave nothing"),
    ],
)
def test_the_budget_counts_what_did_not_succeed(begin: Begin, outcome: Outcome) -> None:
    world = World(lambda _: outcome, workers=10)
    plan = a_grid("depth=range(0,50)", concurrency=10, retries=9, tolerate_percent=100)
    sweep = begin(world, [plan], 1000)

    assert sweep.run() == "budget"
    assert 100 * sum(world.executions.values()) <= 2000 + 10 * 10 * 100
    assert sweep.screen.last is not None
    assert sweep.screen.last.machine_seconds >= 1000
    assert world.calls["send"] == 1


def test_the_budget_counts_what_still_runs(begin: Begin) -> None:
    world = slow(seconds=100_000, workers=10)
    sweep = begin(world, [a_grid("depth=range(0,10)")], 1000)
    begun = world.now
    sweep.run(answers={200: "leave"})

    assert any("the budget of 1000 s" in said for said in sweep.screen.said)
    assert sweep.screen.last is not None
    assert sweep.screen.last.machine_seconds <= 10 * (world.now - begun).total_seconds()


def test_what_was_spent_is_known_to_the_next_process(begin: Begin) -> None:
    world = World(lambda point: Outcome(1.0, seconds=50, fails=1, vanishes=point["depth"] == 3))
    sweep = begin(world, [a_grid("depth=range(0,10)", retries=1, tolerate_percent=100)])
    sweep.run()
    assert sweep.screen.last is not None
    spent = sweep.screen.last.machine_seconds
    again = remembered(look(sweep.path))

    assert spent >= 900
    assert sweep.run() == "complete"
    assert sweep.screen.last.machine_seconds == pytest.approx(spent, rel=0.15)
    assert sum(wave.cost.seconds for wave in again.values()) > 0


def test_a_sleep_between_two_looks_is_not_charged_to_what_began_in_it() -> None:
    cost, clock = MachineTime(), Clock()
    cost.look(0, clock())
    clock.advance(30_000)
    cost.look(10, clock())
    clock.advance(10)
    cost.look(4, clock())

    assert cost.seconds == 40


def test_a_lost_point_counts_as_long_as_there_was_room_for_it_in_its_wave() -> None:
    cost, clock = MachineTime(), Clock()
    cost.look(2, clock())
    cost.tell("a", 90)
    cost.tell("a", 90)

    assert cost.of_lost(4, 100, stopped=False) == 110 / 4
    assert cost.seconds == 200


def test_a_budget_spent_exactly_by_the_last_points_is_no_end_by_the_budget(begin: Begin) -> None:
    world = World(lambda _: Outcome(objective=1.0, seconds=100))
    sweep = begin(world, [a_grid(concurrency=20)], 2000)

    assert sweep.run() == "complete"


def test_once_ten_points_failed_and_none_succeeded_nothing_more_is_sent(begin: Begin) -> None:
    world = World(lambda _: Outcome(seconds=10, fails=99))
    sweep = begin(world, [a_grid("depth=range(0,400)", concurrency=4, tolerate_percent=1)])

    assert sweep.run() == "hopeless"
    assert 10 <= verdicts(sweep)["failed"] < 16
    (said,) = sweep.screen.said
    assert "of 400 points failed, and none succeeded: nothing more is sent" in said
    sweep.plans = [replace(sweep.plans[0], tolerate_percent=100)]
    assert sweep.run() == "complete"
    assert verdicts(sweep) == {"failed": 400}


def test_points_that_fail_among_others_end_no_sweep(begin: Begin) -> None:
    world = World(
        lambda point: Outcome(objective=1.0, seconds=10, fails=9 if point["depth"] else 0)
    )
    sweep = begin(world, [a_grid("depth=range(0,40)", concurrency=4)])

    assert sweep.run() == "complete"
    assert verdicts(sweep) == {"ok": 1, "failed": 39}


def test_a_hopeless_target_leaves_the_others_alone(begin: Begin) -> None:
    plans = [a_grid("depth=range(0,20)", target=one, concurrency=4) for one in ("a", "b")]
    world = World(by_depth)
    sweep = begin(world, plans)
    comes_to = world.comes_to
    world.comes_to = lambda point: replace(
        comes_to(point), fails=9 if point["depth"] in range(100, 120) else 0
    )
    plans[0] = a_grid("depth=range(100,120)", target="a", concurrency=4)

    assert sweep.run() == "hopeless"
    assert sweep.screen.last is not None
    assert [shot.done == shot.size for shot in sweep.screen.last.lines] == [False, True]


def test_a_wave_of_which_nothing_starts_says_why_once(begin: Begin) -> None:
    sweep = begin(World(by_depth), [a_grid()])
    sweep.world.block("no machine has 64 GPUs")
    sweep.run(answers={100: "leave"})

    assert sweep.screen.said == ["wave 1: nothing has started: no machine has 64 GPUs"]
    assert sweep.world.calls["record"] <= 5


def test_waves_beyond_the_numbers_that_names_hold_are_not_begun(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.sweep.engine.MOST_WAVES", 3)
    sweep = begin(World(by_depth), [a_grid("depth=range(0,40)", concurrency=4)])

    with pytest.raises(Rejected, match="has had 3 waves, and their numbers end there"):
        sweep.run()

    assert len(look(sweep.path).waves) == 3


def test_a_point_that_was_stopped_and_then_tells_of_its_success_is_not_sent_again() -> None:
    plan = a_grid("depth=4")
    line = Line(plan, open_strategy(plan))
    (point,) = line.next_points()
    stopped = Ended("stopped")
    line.hear(1, 0, point, stopped, None)
    line.hear(1, 0, point, Ended("ok", 1.0), stopped)

    assert line.exhausted
    assert line.tally == Counter(ok=1)


def test_a_point_that_was_sent_again_counts_once_though_its_first_job_succeeds_late() -> None:
    plan = a_grid("depth=4")
    line = Line(plan, open_strategy(plan))
    (point,) = line.next_points()
    stopped = Ended("stopped")
    line.hear(1, 0, point, stopped, None)

    assert line.next_points() == [point]
    line.hear(1, 0, point, Ended("ok", 1.0), stopped)
    line.hear(2, 0, point, Ended("ok", 1.0), None)
    assert line.tally == Counter(ok=1)


def test_a_search_hears_of_a_stopped_point_once_it_was_sent_again_and_has_ended() -> None:
    told: list[float | None] = []

    class Search:
        size = 1

        def ask(self, count: int) -> list[Point]:
            points: list[Point] = [{"x": 1.0}]
            return points[:count]

        def tell(self, point: Point, objective: float | None) -> None:
            del point
            told.append(objective)

    line = Line(a_search(1), Search())
    (point,) = line.next_points()
    line.hear(1, 0, point, Ended("stopped"), None)
    assert told == []

    line.hear(2, 0, line.next_points()[0], Ended("ok", 0.5), None)
    assert told == [0.5]


@pytest.mark.parametrize("outcome", ["stopped", "budget"])
def test_points_that_are_left_end_the_command_with_code_3_and_how_to_go_on(
    outcome: Literal["stopped", "budget"],
) -> None:
    plan = a_grid("depth=range(0,20)", concurrency=8)
    line = Line(plan, open_strategy(plan))
    for index, point in enumerate(line.next_points()):
        line.hear(1, index, point, Ended("stopped" if index else "ok"), None)

    with pytest.raises(NotSuccessful, match="with 19 points left; to go on with them: type this"):
        _end(outcome, [line], "type this")


def test_two_commands_with_one_new_trace_do_not_begin_two_sweeps(tmp_path: Path) -> None:
    path, plans = tmp_path / "t", [a_grid()]
    first, trace = locked(path, plans)
    with pytest.raises(TraceError, match="another process is at the trace"):
        locked(path, plans)
    trace.begin([Target(first, plan.fingerprint()) for plan in plans])
    trace.close()
    second, trace = locked(path, plans)
    trace.close()

    assert second == first


def test_a_trace_in_which_nothing_was_written_is_taken_away_again(tmp_path: Path) -> None:
    path = tmp_path / "t"
    locked(path, [a_grid()])[1].close()

    assert not path.exists()
