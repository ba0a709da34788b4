"""How the points of a sweep are chosen: all of a grid, a list, some at random, or by what is known.

A strategy is asked for points and told their results. It is a function of its plan and of what it
was asked and told: made anew after an interruption and shown the trace, it goes on as it would
have, and no point comes twice.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Protocol

from cli.sweep.config_plan import Plan
from cli.sweep.spaces import SearchSpace
from cli.sweep.spaces_points import key
from shared.errors import Rejected
from shared.space import Point, Space


class Strategy(Protocol):
    """What proposes points."""

    @property
    def size(self) -> int:
        """How many points it proposes in all."""

    def ask(self, count: int) -> list[Point]:
        """The next points, `count` or fewer; none when there are no more."""

    def tell(self, point: Point, objective: float | None) -> None:
        """What came of a point; None if it failed or left no number."""

    def replay(self, asked: Sequence[Point], results: Sequence[tuple[Point, float | None]]) -> None:
        """Take in first of all what an earlier process asked and was told, in that order."""


class InOrder:
    """Points that nothing steers."""

    def __init__(self, points: Iterator[Point], size: int) -> None:
        self._points = points
        self._left = self._size = size
        self._replayed: set[str] = set()

    @property
    def size(self) -> int:
        """How many points there are."""
        return self._size

    def ask(self, count: int) -> list[Point]:
        """The next points, in order."""
        asked: list[Point] = []
        wanted = min(count, self._left)
        while len(asked) < wanted:
            point = next(self._points, None)
            if point is None:
                break
            if not self._replayed or key(point) not in self._replayed:
                asked.append(point)
        self._left -= len(asked)
        return asked

    def tell(self, point: Point, objective: float | None) -> None:
        """Nothing: what comes of one point changes no other."""

    def replay(self, asked: Sequence[Point], results: Sequence[tuple[Point, float | None]]) -> None:
        """Leave out what was asked before, whatever came of it."""
        del results
        self._replayed.update(map(key, asked))
        self._left = max(0, self._left - len(asked))


def open_strategy(plan: Plan) -> Strategy:
    """The strategy of a plan, with nothing asked yet.

    Raises:
        Rejected: it needs what is not installed.

    """
    if plan.space is None:
        return InOrder(iter(plan.points), plan.trials)
    finite = plan.space.finite
    if plan.strategy == "grid" and finite is not None:
        return InOrder(finite.points(), plan.trials)
    if plan.strategy == "random":
        return InOrder(at_random(plan.space, plan.seed), plan.trials)
    try:
        # Half a second, and numpy: only for whoever wants it.
        from cli.sweep.bayes import Bayes  # noqa: PLC0415
    except ModuleNotFoundError as error:
        message = f"a Bayesian search needs the package {error.name}: install it, or use random"
        raise Rejected(message) from error
    return Bayes(plan.space, plan.trials, plan.direction, plan.seed)


def at_random(space: SearchSpace, seed: int) -> Iterator[Point]:
    """Points of a space in an order that the seed decides, none of them twice."""
    source = random.Random(seed)  # noqa: S311 - chooses experiments, guards nothing
    finite = space.finite
    return _drawn(space, source) if finite is None else _shuffled(finite, source)


def _shuffled(space: Space, source: random.Random) -> Iterator[Point]:
    """All points, in a random order; a space of 10**18 costs no more than what is taken of it."""
    # Fisher and Yates' shuffle, of which only the places that moved are kept.
    moved: dict[int, int] = {}
    size = space.size
    for place in range(size):
        other = source.randrange(place, size)
        yield space.at(moved.pop(other, other) if other == place else moved.get(other, other))
        if other != place:
            moved[other] = moved.pop(place, place)


def _drawn(space: SearchSpace, source: random.Random) -> Iterator[Point]:
    seen: set[str] = set()
    while True:
        point = space.draw(source)
        if key(point) not in seen:
            seen.add(key(point))
            yield point
