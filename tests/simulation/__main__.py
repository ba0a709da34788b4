"""Runs many seeds, or prints the schedule of one.

    python -m tests.simulation [--seeds 1000] [--first 1]
    python -m tests.simulation --seed N [--whole]

Exit code 1: a seed violates what must be true. Its schedule is cut down to what is needed for that
and printed. `--seed` prints the schedule of a seed, cut down if it goes wrong; `--whole` as it is.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.models.ports import Unmodelled
from tests.simulation.printing import Summary, schedule
from tests.simulation.shrinking import shrink
from tests.simulation.simulate import Outcome, simulate

_PROCESSES = 2
_AT_ONCE = 20
# More of them say the same.
_ENOUGH_VIOLATIONS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when nothing was violated."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="print the schedule of this one")
    parser.add_argument("--whole", action="store_true", help="do not cut its schedule down")
    chosen = parser.parse_args(arguments)
    if chosen.seeds < 1:
        parser.error("--seeds: at least one")
    if chosen.seed is not None:
        return _replay(chosen.seed, whole=chosen.whole)
    began = time.monotonic()
    summary = Summary()
    for outcome in _outcomes(range(chosen.first, chosen.first + chosen.seeds)):
        summary.add(outcome)
        _progress(summary, chosen.seeds, time.monotonic() - began)
        if len(summary.violations) >= _ENOUGH_VIOLATIONS:
            break
    _say("")
    for line in summary.lines(time.monotonic() - began):
        _say(line)
    if not summary.violations:
        return 0
    _say("")
    return _replay(summary.violations[0].seed, whole=False)


def _outcomes(seeds: range) -> Iterator[Outcome]:
    """What comes of each seed, in their order, from as many processes as there are cores."""
    with ProcessPoolExecutor(_PROCESSES) as pool:
        pieces = [list(piece) for piece in _batched(seeds)]
        running = [pool.submit(_several, piece) for piece in pieces]
        try:
            for some in running:
                yield from some.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _several(seeds: list[int]) -> list[Outcome]:
    outcomes = []
    # To look for garbage once, after all of them, saves a sixth of the time.
    gc.disable()
    for seed in seeds:
        try:
            outcomes.append(simulate(seed))
        except (Unmodelled, Exception) as error:
            error.add_note(f"in the simulation of seed {seed}")
            raise
    gc.enable()
    gc.collect()
    return outcomes


def _batched(seeds: range) -> Iterator[range]:
    for start in range(0, len(seeds), _AT_ONCE):
        yield seeds[start : start + _AT_ONCE]


def _replay(seed: int, *, whole: bool) -> int:
    outcome = simulate(seed, trace=True)
    left_out = 0
    if outcome.violation is not None and not whole:
        shrunk = shrink(outcome)
        left_out = len(outcome.faults) - len(shrunk.outcome.faults)
        outcome = simulate(seed, until=shrunk.until, without=shrunk.without, trace=True)
    for line in schedule(outcome, left_out=left_out):
        _say(line)
    return 0 if outcome.violation is None else 1


def _progress(summary: Summary, seeds: int, seconds: float) -> None:
    """One line that is written over on a terminal; elsewhere a line each tenth of the way."""
    told = f"{summary.seeds}/{seeds} seeds, {len(summary.violations)} violations, {seconds:.0f} s"
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{told}")
        sys.stdout.flush()
    elif summary.seeds % max(1, seeds // 10) == 0:
        _say(told)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
