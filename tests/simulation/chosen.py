"""A choice of faults made by hand, for a model that stands alone: no world, no seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.samples import NOW

T = TypeVar("T")


@dataclass
class Chosen:
    """The faults that strike: all those that are `on`. What is between two numbers is the higher.

    Also the time, which stands still until it is moved, and what happens later.
    """

    on: set[str] = field(default_factory=set)
    now: float = NOW.timestamp()
    acts: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def strikes(self, fault: str, what: str) -> bool:
        return fault in self.on

    def among(self, options: Sequence[T], what: str = "") -> T:
        return options[-1]

    def between(self, low: float, high: float, what: str = "") -> float:
        return high

    def seconds(self, low: float, high: float, what: str = "") -> float:
        return high

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, act: Callable[[], None], label: str) -> None:
        self.acts.append((self.now + seconds, act))

    def settle(self) -> None:
        """Do all that is to happen later, at its time."""
        while self.acts:
            self.now, act = min(self.acts, key=lambda one: one[0])
            self.acts.remove((self.now, act))
            act()

    def make(self, model: Callable[..., T], *more: Any) -> T:
        return model(self.clock, self, self.later, *more)
