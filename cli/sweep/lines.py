"""A line of a sweep: the search for one target's best point, with a queue of its own.

It says how many points may be sent next. With a concurrency there are never more in flight, and a
wave goes out when a quarter of them is free: one wave per point would be a job per point.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from cli.sweep.config_plan import STEERED_AT_ONCE, Plan
from cli.sweep.waves import Ended, Verdict
from shared.points import MOST_CHILDREN, better
from shared.space import Point


class Searches(Protocol):
    """What proposes points, as `cli.sweep.strategies` has it."""

    @property
    def size(self) -> int:
        """How many points there will be in all, unless there are no more before."""

    def ask(self, count: int) -> list[Point]:
        """Up to `count` points; none when there are no more."""

    def tell(self, point: Point, objective: float | None) -> None:
        """The result of a point; None if it has none."""


Place = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """The best point so far."""

    objective: float
    wave: int
    index: int
    point: Point


# A command that cannot work fails at once, everywhere: this many say so.
_GIVEN_UP_AFTER = 10


@dataclass
class Line:
    """One target: its plan, its search, and what has come of it.

    `again` are points that were stopped, by wave and index: they go out once more, in a new wave.
    """

    plan: Plan
    search: Searches
    asked: int = 0
    tally: Counter[Verdict] = field(default_factory=Counter)
    best: Found | None = None
    again: dict[Place, Point] = field(default_factory=dict)
    _dry: bool = False

    @property
    def in_flight(self) -> int:
        """How many points were asked for and have not ended."""
        return self.asked - self.tally.total()

    @property
    def size(self) -> int:
        """How many points there will be in all."""
        return self.asked if self._dry else self.search.size

    @property
    def exhausted(self) -> bool:
        """Whether there is no point left that was never asked for, or was stopped."""
        return not self.again and (self._dry or self.asked >= self.search.size)

    @property
    def hopeless(self) -> bool:
        """Whether so many points failed, and none succeeded, that those left are not worth it.

        A few that fail are part of many a search, also where that makes it fail in the end.
        """
        failed, ok = self.tally["failed"], self.tally["ok"]
        bad = not ok and failed >= _GIVEN_UP_AFTER and self._too_many_of(self.size)
        return bad and not self.exhausted

    @property
    def limit(self) -> int | None:
        """The most points in flight; None for no limit. A search that learns needs one."""
        return self.plan.concurrency or (STEERED_AT_ONCE if self.plan.strategy == "bayes" else None)

    def next_points(self) -> list[Point]:
        """The points of the next wave; none if it is too early for one, or if there are no more."""
        if self.exhausted or self.hopeless:
            return []
        room, limit = MOST_CHILDREN, self.limit
        if limit is not None:
            free = limit - self.in_flight
            if free < self._worth_a_wave(limit):
                return []
            room = min(room, free)
        once_more = [self._take(place) for place in list(self.again)[:room]]
        room -= len(once_more)
        points = self.search.ask(room) if room and not self._dry else []
        self.asked += len(points)
        self._dry = self._dry or (room > 0 and not points)
        return once_more + points

    def hear(self, wave: int, index: int, point: Point, ended: Ended, before: Ended | None) -> None:
        """Take in how a point ended; `before` is how it had ended according to an earlier word."""
        place = (wave, index)
        if before is not None and before.verdict == "stopped" and place not in self.again:
            return  # it was sent again: what comes of that counts
        if before is not None:
            self.tally[before.verdict] -= 1
            self.again.pop(place, None)
        # A search is told once, and not of a point that will be sent again.
        if ended.verdict != "stopped" and (before is None or before.verdict == "stopped"):
            self.search.tell(point, ended.objective)
        self.count(wave, index, point, ended)

    def count(self, wave: int, index: int, point: Point, ended: Ended) -> None:
        """Count how a point ended; the search knows."""
        self.tally[ended.verdict] += 1
        if ended.verdict == "stopped":
            self.again[wave, index] = point
        value = ended.objective
        best = None if self.best is None else self.best.objective
        if value is not None and better(value, best, self.plan.direction):
            self.best = Found(value, wave, index, point)

    @property
    def too_many_failed(self) -> bool:
        """Whether more of its points failed than are tolerated."""
        return self._too_many_of(self.tally.total())

    def _too_many_of(self, points: int) -> bool:
        return self.tally["failed"] * 100 > self.plan.tolerate_percent * points

    def _take(self, place: Place) -> Point:
        """A point that was stopped, to be sent again: it has not ended any more."""
        self.tally["stopped"] -= 1
        return self.again.pop(place)

    def _worth_a_wave(self, limit: int) -> int:
        left = max(1, self.search.size - self.asked + len(self.again))
        return min(left, max(1, limit // 4))
