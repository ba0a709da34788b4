"""Things measured in turns, so that the machine's noise meets all of them alike."""

import math
import time
from collections.abc import Callable, Mapping
from statistics import median

Samples = dict[str, list[float]]


def cpu_in_turns(
    things: Mapping[str, Callable[[], object]], rounds: int, in_a_row: int = 1
) -> Samples:
    """Seconds of this process's CPU time of each thing in each round, as a mean of `in_a_row`.

    Every other round goes backwards: nothing always comes after the same neighbour.
    """
    samples: Samples = {name: [] for name in things}
    names = list(things)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            start = time.process_time_ns()
            for _ in range(in_a_row):
                things[name]()
            samples[name].append((time.process_time_ns() - start) / 1e9 / in_a_row)
    return samples


def together(samples: Samples, names: list[str]) -> float:
    """The median over all rounds of what these things took in sum."""
    return median(map(sum, zip(*(samples[name] for name in names), strict=True)))


def percentile(samples: list[float], percent: float) -> float:
    """The smallest sample that at least `percent` of all do not exceed."""
    return sorted(samples)[max(0, math.ceil(len(samples) * percent / 100) - 1)]
