"""Faults of every kind at once, each kind by a random source of its own, until it is calm.

Their pace is the work's and not the clock's: on a machine that is slow, or busy with other things,
as much is done between two faults as on a fast one.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from tests.chaos.faults import Fault

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Strike:
    """A fault that happened: its kind, the seconds since the storm began, what was hit."""

    fault: str
    at: float
    hit: str


class Storm:
    """What has struck so far. `done` tells how much work is done, in any unit that grows."""

    def __init__(self, faults: Sequence[Fault], seed: int, done: Callable[[], int]) -> None:
        self.strikes: list[Strike] = []
        self._faults = faults
        self._seed = seed
        self._done = done
        self._began = time.monotonic()
        self._calm = threading.Event()
        self._blowing: list[Future[None]] = []

    def times(self) -> Counter[str]:
        """How often each kind has struck."""
        return Counter(strike.fault for strike in tuple(self.strikes))

    def has_struck_with_all(self) -> bool:
        """Whether every kind of fault has happened."""
        return all(self.times()[fault.name] for fault in self._faults)

    def check(self) -> None:
        """Raise what ended a kind of fault before its time."""
        for one in self._blowing:
            if one.done():
                one.result()

    @contextmanager
    def blowing(self) -> Iterator["Storm"]:
        """Strike until the block is left; by then all that was killed to be started again runs."""
        with ThreadPoolExecutor(len(self._faults)) as pool:
            try:
                self._blowing = [pool.submit(self._blow, fault) for fault in self._faults]
                yield self
            finally:
                self._calm.set()
        self.check()

    def _blow(self, fault: Fault) -> None:
        chance = random.Random(f"{self._seed}/{fault.name}")
        due = self._done() + chance.uniform(0, fault.mean_pause / 2)
        while not self._calm.wait(_LOOK_SECONDS):
            if self._done() < due:
                continue
            at = time.monotonic() - self._began
            hit = fault.strike(chance, self._calm)
            if hit is not None:
                self.strikes.append(Strike(fault.name, at, hit))
                due = self._done() + fault.mean_pause * chance.uniform(0.2, 1.8)
