"""What is seen of a sweep while it goes on: bars on a terminal, lines in a pipe."""

import io
from collections import Counter
from datetime import timedelta

import pytest
from rich.console import Console

from cli.sweep.display import Lines, drawn
from cli.sweep.lines import Found
from cli.sweep.pausing import Pauses
from cli.sweep.progress import LineShot, Progress, Snapshot
from cli.sweep.waves import Ended, Wave
from shared.events import RunId
from shared.points import Result
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
    console = Console(file=io.StringIO(), width=80, soft_wrap=True)
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
    assert progress.seconds == 30


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
    class Waits:
        """An event that never comes, and how long it was waited for."""

        def __init__(self) -> None:
            self.seconds: list[float] = []

        def wait(self, seconds: float) -> bool:
            self.seconds.append(round(seconds, 6))
            return False

        def is_set(self) -> bool:
            return False

    event = Waits()
    pauses = Pauses(longest, lambda: "stop", _interrupted=event)  # type: ignore[arg-type]  # a model of an event
    answers = [pauses() for _ in range(3)]

    assert event.seconds == waits
    assert answers == [None, None, None]
