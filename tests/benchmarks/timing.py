"""Things measured in turns, so that the machine's noise meets all of them alike."""

import time
from collections.abc import Callable, Mapping
from statistics import median

Samples = dict[str, list[float]]


def cpu_in_turns(things: Mapping[str, Callable[[], object]], rounds: int) -> Samples:
    """Seconds of this process's CPU time of each thing in each round.

    Every other round goes backwards: nothing always comes after the same neighbour.
    """
    samples: Samples = {name: [] for name in things}
    names = list(things)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            start = time.process_time_ns()
            things[name]()
            samples[name].append((time.process_time_ns() - start) / 1e9)
    return samples


def together(samples: Samples, names: list[str]) -> float:
    """The median over all rounds of what these things took in sum."""
    return median(map(sum, zip(*(samples[name] for name in names), strict=True)))


def percentile(samples: list[float], percent: float) -> float:
    """The smallest sample that at least `percent` of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]
