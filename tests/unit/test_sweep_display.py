"""What is seen of a sweep while it goes on: bars on a terminal, lines in a pipe."""

import io
import os
import signal
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import click
import pytest
from rich.console import Console

from cli.sweep.display import Lines, drawn
from cli.sweep.lines import Found
from cli.sweep.pausing import Pauses, answered
from cli.sweep.progress import LineShot, Progress, Snapshot
from cli.sweep.waves import Ended, Wave
from shared.events import RunId
from shared.points import Result
from tests.fakes import Clock
from tests.samples import NOW


def a_shot(done: int, failed: int = 0, target: str | None = None) -> LineShot:
    return LineShot(
        target=target,
        size=60,
        tally=Counter({"ok": done - failed, "failed": failed}),
        running=8,
        waiting=60 - done - 8,
        objective="accuracy",
        best=Found(0.941234567, 1, 7, {"lr": 0.00149800813, "act": "relu"}),
    )


def a_snapshot(*lines: LineShot, left: float | None = 250) -> Snapshot:
    return Snapshot(lines, machine_seconds=3700, seconds_left=left)


def plain(snapshot: Snapshot, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, soft_wrap=True)
    console.print(drawn(snapshot, "churn 4f2a77c1d0ab"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_bar_tells_what_is_done_what_failed_the_best_and_the_time_left() -> None:
    lines = plain(a_snapshot(a_shot(37, failed=2))).splitlines()

    assert (
        lines[0].strip() == "churn 4f2a77c1d0ab   1 h 1 min of machine time, about 4 min 10 s left"
    )
    assert lines[1].endswith("37 of 60 done, 8 running, 15 waiting, 2 failed")
    assert "━" in lines[1]
    assert lines[2].strip() == "best accuracy 0.941235 (lr=0.00149801 act=relu)"


def test_each_target_has_a_bar_of_its_own() -> None:
    shots = [a_shot(10, target="llvm -mcpu=core-avx2"), a_shot(20, target="cuda")]
    said = plain(a_snapshot(*shots))

    assert said.count("of 60 done") == 2
    assert "cuda: best accuracy" in said


def test_in_a_pipe_a_line_comes_when_something_changed_and_ten_seconds_have_passed() -> None:
    now = [0.0]
    console = Console(file=io.StringIO(), width=80, force_terminal=False, soft_wrap=True)
    lines = Lines(console, clock=lambda: now[0])
    for seconds, done in ((0, 1), (2, 2), (9, 3), (10, 4), (25, 4), (26, 60)):
        now[0] = seconds
        lines.show(a_snapshot(a_shot(done), left=None))
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue().splitlines()

    assert [line.split(" of")[0] for line in said] == ["1", "4", "60"]


def test_the_time_left_follows_the_latest_results() -> None:
    progress = Progress(clock=lambda: NOW + timedelta(seconds=20))
    for second in (0, 10, 20):
        progress.hear(Ended("ok", 1.0, 10, NOW + timedelta(seconds=second)))

    assert progress._left(6) == 60
    assert progress._left(0) is None


def test_a_success_counts_although_the_point_had_failed() -> None:
    wave = Wave(1, 0, [{"n": 1}], RunId("1"))
    lost = wave.hear("b", Result(2, 1, 1, 0, ok=False, seconds=3), retries=0)
    found = wave.hear("c", Result(3, 1, 1, 0, ok=True, seconds=4, objective=1.0), retries=0)
    again = wave.hear("b", Result(2, 1, 1, 0, ok=False, seconds=3), retries=0)

    assert lost is not None
    assert lost.verdict == "failed"
    assert found is not None
    assert found.objective == 1.0
    assert again is None
    assert wave.open == 0


@pytest.mark.parametrize(("longest", "waits"), [(2.0, [2.0, 2.0, 2.0]), (3.0, [2.0, 2.6, 3.0])])
def test_pauses_grow_to_their_limit(longest: float, waits: list[float]) -> None:
    clock = Clock()
    pauses = Pauses(longest, lambda: "stop", clock=clock.seconds, sleep=clock.advance)
    ends = [clock.seconds()]
    answers = []
    for _ in range(3):
        answers.append(pauses())
        ends.append(clock.seconds())

    assert [round(end - begin, 2) for begin, end in pairwise(ends)] == waits
    assert answers == [None, None, None]


def test_ctrl_c_is_kept_for_the_next_pause_and_a_second_one_ends_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)  # ignored, where a shell runs the tests beside others
    pauses = Pauses(600.0, lambda: "stop")
    with pauses.listening():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

        assert pauses() == "stop"
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_in_a_pause_ends_it_at_once_and_takes_no_lock() -> None:
    slept: list[float] = []

    def interrupted(seconds: float) -> None:
        slept.append(seconds)
        os.kill(os.getpid(), signal.SIGINT)

    pauses = Pauses(600.0, lambda: None, sleep=interrupted)
    with pauses.listening():
        assert pauses() is None

    assert slept == [0.1]
    assert pauses._interrupted is False  # a plain flag: setting an Event may wait for itself


@pytest.mark.parametrize(
    ("said", "meant"),
    [("l", "leave"), ("leave", "leave"), ("S", "stop"), ("g", None), ("go on", None)],
)
def test_ctrl_c_is_answered_by_a_word_or_its_first_letter(said: str, meant: str | None) -> None:
    assert answered(said) == meant


def test_another_answer_to_ctrl_c_is_asked_for_again() -> None:
    with pytest.raises(click.BadParameter, match="l, s or g"):
        answered("x")
