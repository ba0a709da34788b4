"""Watches a sweep as `sweep run` does, a look for each line that it reads.

    python -m tests.benchmarks.sweeps_watcher STATE_DIR SWEEP_ID POINTS

It answers each line with one of JSON: the calls to AWS since the one before by operation, how many
points have ended so far, and the most memory that the process has had, in KiB.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.sweep.lines import Line
from cli.sweep.progress import Progress
from cli.sweep.strategies import open_strategy
from cli.sweep.watching import Watch
from cli.sweep.waves import Ended, Wave
from tests.benchmarks.services import say
from tests.benchmarks.sweeps_stack import SweepStack, plan


class NoTrace:
    """A trace that nobody reads."""

    def ended(self, wave: Wave, points: Mapping[int, Ended]) -> None:
        """Points of a wave have ended."""

    def over(self, wave: Wave) -> None:
        """A wave is over."""


def main(folder: str, sweep_id: str, points: str) -> None:
    """Watch until there are no more lines."""
    calls: Counter[str] = Counter()
    stack = SweepStack(Path(folder))
    stack.account.session.events.register(
        "before-call", lambda model, **_: calls.update([model.name])
    )
    wanted = plan(int(points))
    waves, line = stack.waves(sweep_id), Line(wanted, open_strategy(wanted))
    wave = Wave(1, 0, line.next_points(), waves.run_id(1), sent=True)
    progress = Progress()
    watch = Watch(
        lines=[line],
        waves={1: wave},
        stack=waves,
        trace=NoTrace(),
        progress=progress,
        heard=lambda _line: None,
        say=say,
    )
    calls.clear()  # those of getting ready
    for _ in sys.stdin:
        watch.look()
        shot = progress.snapshot(watch.lines, watch.open())
        told: dict[str, Any] = {"calls": dict(calls), "ended": shot.done, "peak_kib": _peak_kib()}
        print(json.dumps(told), flush=True)
        calls.clear()


def _peak_kib() -> int:
    """The process's own peak: `ru_maxrss` would begin with that of the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(*sys.argv[1:])
