"""Sweeps on the embedded stack: what sending 10,000 points costs, and what watching them does."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.services import say
from tests.benchmarks.sweeps_sending import Sent, send, send_in_a_loop
from tests.benchmarks.sweeps_stack import sweep_stack
from tests.benchmarks.sweeps_watching import Watched, watch
from tests.benchmarks.tables import show

SIZES = (100, 1_000, 10_000)
LOOP = 500
GOAL_SECONDS = 10


def section() -> None:
    """Print the tables."""
    with TemporaryDirectory() as folder, sweep_stack(Path(folder)) as stack:
        say("sending a first sweep, which is not measured")
        send(stack, "warming", 2)
        arrays = []
        for size in SIZES:
            say(f"sending {size} points as an array job")
            arrays.append(send(stack, f"sent{size}", size))
        say(f"sending {LOOP} points one by one, twice")
        alone = send_in_a_loop(stack, LOOP, stack.unwatched_queue)
        in_stack = send_in_a_loop(stack, LOOP, stack.queue)
        watched = []
        for size in SIZES:
            say(f"watching {size} points")
            watched.append(watch(stack, f"sent{size}", size))
    _show_sent(arrays, alone, in_stack)
    _show_watched(watched)


def _show_sent(arrays: list[Sent], alone: Sent, in_stack: Sent) -> None:
    largest = arrays[-1]
    named = [(f"one array job: {one.points:,} points", one) for one in arrays]
    named += [("loop, SubmitJob alone", alone), ("loop, in the stack's queue", in_stack)]
    rows = []
    for name, one in named:
        whole = one.queued / one.points * largest.points
        rows.append(
            (
                name,
                f"{one.submits:,}",
                f"{one.returned:.2f}",
                f"{one.queued:.2f}",
                f"{whole:.0f}" if one.points == LOOP else "",
                f"{whole / largest.queued:.0f}" if one.points == LOOP else "",
            )
        )
    met = "ok" if largest.queued <= GOAL_SECONDS else "over"
    show(
        "Sending a sweep on the embedded stack",
        ("", "SubmitJobs", "s until sent", "s until queued", f"s for {largest.points:,}", "ratio"),
        rows,
        f"goal: {largest.points:,} points with 1 SubmitJob, queued within {GOAL_SECONDS} s: {met}",
        f"a loop is measured over {LOOP} points; ratio: at its pace, to the largest array job",
        f"in AWS a loop takes {largest.points / 50:.0f} s at least: 50 SubmitJobs a second (quota)",
    )


def _show_watched(watched: list[Watched]) -> None:
    rows = [
        (
            f"{one.points:,} points",
            _told(one.first),
            _told(_most(one.looks)),
            _told(one.last),
            f"{one.peak_mib:.0f}",
        )
        for one in watched
    ]
    show(
        "Watching a sweep: calls to AWS, and memory of the process that watches",
        ("", "first look", "a look", "last look", "peak MiB"),
        rows,
        "first look: half of the points have ended; then a twentieth of all ends before each look",
        "the most calls of any of these looks; last look: the job is over",
    )


def _told(calls: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))


def _most(looks: list[Counter[str]]) -> Counter[str]:
    return max(looks, key=Counter.total)
