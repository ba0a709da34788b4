"""The values of one parameter, in order: written out, or at even distances or ratios.

Those at even distances are made when they are asked for: ten million cost as much as ten. They are
whole numbers over one denominator, so that steps of 0.1 do not drift. Standard library.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.errors import Rejected
from shared.hydra import shown
from shared.scalars import Scalar

# Of values at even ratios. Two machines' logarithms differ behind these digits.
_DIGITS = 12


class Values(Protocol):
    """What a parameter may be, in order: `size` values, made when they are asked for."""

    @property
    def size(self) -> int:
        """How many there are, at least 1."""

    def at(self, index: int) -> Scalar:
        """The value at an index from 0."""


@dataclass(frozen=True)
class Listed:
    """Values that are written out."""

    values: tuple[Scalar, ...]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.values)

    def at(self, index: int) -> Scalar:
        """The value at an index from 0."""
        return self.values[index]


@dataclass(frozen=True)
class Even:
    """`size` values, each `step` after the one before; both are counted in 1/`scale`.

    `whole`: the values are of type int, otherwise of type float.
    """

    start: int
    step: int
    scale: int
    size: int
    whole: bool

    def at(self, index: int) -> int | float:
        """The value at an index from 0, as exact as a float can be."""
        value = self.start + index * self.step
        return value if self.whole else value / self.scale


@dataclass(frozen=True)
class Logarithmic:
    """`size` values from `low` to `high`, each the same multiple of the one before."""

    low: float
    high: float
    size: int

    def at(self, index: int) -> float:
        """The value at an index from 0, to 12 digits; the first and the last are exact."""
        if index in (0, self.size - 1):
            return self.high if index else self.low
        low, high = math.log10(self.low), math.log10(self.high)
        value = 10 ** (low + (high - low) * index / (self.size - 1))
        return float(f"{value:.{_DIGITS}g}")


def listed(name: str, values: Sequence[Scalar]) -> Listed:
    """Values of a parameter, each a different one.

    Raises:
        Rejected: there is none, or one stands twice.

    """
    if not values:
        message = f"{name} has no values: write {name}=0.1,0.01"
        raise Rejected(message)
    seen: set[tuple[type, Scalar]] = set()
    for one in values:
        # 1, 1.0 and True are equal to Python, but not to a program that is told them.
        if (type(one), one) in seen:
            said = shown(one) if isinstance(one, str) else one
            message = f"{name} has the value {said} twice: take one away"
            raise Rejected(message)
        seen.add((type(one), one))
    return Listed(tuple(values))
