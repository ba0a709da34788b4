"""The axis of a parameter in a picture: numbers, their logarithms, or names beside each other."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from cli.sweep.wording import short
from shared.scalars import Scalar

Kind = Literal["linear", "log", "names"]
# Two numbers of one axis that differ by this factor are told apart by their logarithms alone.
_WIDE = 50.0
# The span of two such numbers is still one that a float can hold.
_FARTHEST = 1e300
_MOST_NAMES = 12
_LONGEST_NAME = 14


@dataclass(frozen=True)
class Axis:
    """A parameter's axis. `values` are those that it has, in order; texts where they are names."""

    name: str
    kind: Kind
    values: Sequence[float] | Sequence[str]

    def at(self, value: Scalar) -> float:
        """Where a value is, from 0 to 1."""
        if self.kind == "names":
            places = list(self.values)
            return _between(places.index(short(value)), 0, len(places) - 1)
        numbers = [float(one) for one in self.values]
        return _between(self._scaled(value), self._scaled(numbers[0]), self._scaled(numbers[-1]))

    def ticks(self) -> list[tuple[float, str]]:
        """What is written where."""
        if self.kind == "names":
            shown = _thinned([str(one) for one in self.values])
            return [(self.at(one), _cut(one)) for one in shown]
        low, high = float(self.values[0]), float(self.values[-1])
        few = sorted({float(one) for one in self.values})
        marks = few if len(few) <= 5 else self._round(low, high)
        return [(self.at(one), f"{one:.3g}") for one in marks]

    def _round(self, low: float, high: float) -> list[float]:
        """Both ends, and round numbers between them that do not touch."""
        found = [low, high]
        for mark in _tens(low, high) if self.kind == "log" else _steps(low, high):
            if all(abs(self.at(mark) - self.at(one)) > 0.12 for one in found):
                found.append(mark)
        return sorted(found)

    def _scaled(self, value: Scalar) -> float:
        plain = float(value if isinstance(value, int | float) else "nan")
        return math.log10(plain) if self.kind == "log" else plain


def axis(name: str, values: Iterable[Scalar]) -> Axis:
    """The axis for a parameter's values.

    >>> axis("lr", [0.1, 1e-4, 1e-3]).kind, axis("act", ["relu", "tanh"]).kind
    ('log', 'names')
    """
    found = list(values)
    numbers = [float(one) for one in found if _is_number(one)]
    if len(numbers) < len(found):
        return Axis(name, "names", sorted({short(one) for one in found}))
    ordered = sorted(set(numbers))
    return Axis(name, "log" if _is_wide(ordered) else "linear", ordered)


def _is_number(value: Scalar) -> TypeGuard[float]:
    """Whether a value has a place between two others: not nan, and not out of sight."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _FARTHEST


def _is_wide(ordered: Sequence[float]) -> bool:
    """Whether positive numbers lie far apart, and most of them near the lower end."""
    if ordered[0] <= 0 or ordered[-1] < _WIDE * ordered[0]:
        return False
    return ordered[len(ordered) // 2] < (ordered[0] + ordered[-1]) / 3 or len(ordered) == 2


def _between(value: float, low: float, high: float) -> float:
    return 0.5 if high == low else (value - low) / (high - low)


def _tens(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def _steps(low: float, high: float) -> list[float]:
    raw = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(raw))
    step = unit * min((1, 2, 5, 10), key=lambda factor: abs(factor * unit - raw))
    first = math.ceil(low / step)
    marks = [round(place * step, 12) for place in range(first, first + 12)]
    return [mark for mark in marks if mark <= high]


def _thinned(names: list[str]) -> list[str]:
    if len(names) <= _MOST_NAMES:
        return names
    every = math.ceil(len(names) / _MOST_NAMES)
    return names[::every]


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
