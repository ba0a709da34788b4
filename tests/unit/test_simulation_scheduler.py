"""Virtual time and processes that can be cut off."""

import pytest

from tests.simulation.scheduler import Killed, Scheduler


def run(scheduler: Scheduler) -> None:
    while scheduler.step() is not None:
        pass


def test_what_is_due_first_happens_first_and_time_jumps_to_it() -> None:
    scheduler, told = Scheduler(100), list[str]()
    scheduler.later(5, lambda: told.append(f"late {scheduler.now}"), "late")
    scheduler.later(1, lambda: told.append(f"soon {scheduler.now}"), "soon")
    scheduler.later(1, lambda: told.append("soon, too"), "soon")

    run(scheduler)

    assert told == ["soon 101", "soon, too", "late 105"]


def test_processes_take_turns_where_they_pause() -> None:
    scheduler, told = Scheduler(0), list[str]()

    def counting(name: str, seconds: float) -> None:
        for count in range(2):
            told.append(f"{name}{count}")
            scheduler.pause(seconds)

    scheduler.spawn("a", lambda: counting("a", 2))
    scheduler.spawn("b", lambda: counting("b", 3))
    run(scheduler)

    assert told == ["a0", "b0", "a1", "b1"]


def test_a_process_hands_over_what_it_returns() -> None:
    scheduler, answers = Scheduler(0), list[str | None]()

    scheduler.spawn("a", lambda: "done", done=answers.append)
    run(scheduler)

    assert answers == ["done"]


def test_a_process_that_runs_out_of_time_is_cut_off_where_it_pauses() -> None:
    scheduler, told, answers = Scheduler(0), list[str](), list[str | None]()

    def slow() -> str:
        try:
            scheduler.pause(10)
        finally:
            told.append(f"at {scheduler.now}")
        return "never"

    scheduler.spawn("slow", slow, deadline=3, done=answers.append)
    run(scheduler)

    assert told == ["at 3"]
    assert answers == [None]


def test_an_effect_that_a_killed_process_still_tries_kills_it_again() -> None:
    scheduler, told = Scheduler(0), list[str]()

    def cleaning_up() -> None:
        try:
            scheduler.die()
        finally:
            scheduler.pause(1)
            told.append("cleaned up")

    process = scheduler.spawn("a", cleaning_up)
    run(scheduler)

    assert told == []
    assert not process.alive


def test_a_process_that_is_killed_before_it_begins_never_begins() -> None:
    scheduler, told, answers = Scheduler(0), list[str](), list[None]()

    process = scheduler.spawn("a", lambda: told.append("begun"), done=answers.append)
    scheduler.kill(process)
    run(scheduler)

    assert told == []
    assert answers == [None]


def test_an_error_of_a_process_rises_from_the_step_in_which_it_happens() -> None:
    scheduler = Scheduler(0)
    scheduler.spawn("a", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        run(scheduler)


def test_a_process_reads_its_own_clock_and_everybody_else_the_true_one() -> None:
    shown = list[float]()
    scheduler = Scheduler(100, shown.append)
    read = list[tuple[str, float]]()

    def ahead() -> None:
        read.append(("ahead", shown[-1]))
        scheduler.pause(1)
        read.append(("ahead", shown[-1]))

    scheduler.spawn("ahead", ahead, skew=5)
    scheduler.later(0, lambda: read.append(("true", shown[-1])), "true")
    run(scheduler)

    assert read == [("ahead", 105), ("true", 100), ("ahead", 106)]


def test_what_is_left_when_the_simulation_closes_is_killed() -> None:
    scheduler, told = Scheduler(0), list[str]()

    def waiting() -> None:
        try:
            scheduler.pause(1000)
        except Killed:
            told.append("killed")
            raise

    process = scheduler.spawn("a", waiting)
    scheduler.step()
    scheduler.close()

    assert told == ["killed"]
    assert not process.alive
    assert scheduler.step() is None


def test_outside_of_processes_nobody_waits() -> None:
    scheduler = Scheduler(7)

    scheduler.pause(100)

    assert scheduler.now == 7
