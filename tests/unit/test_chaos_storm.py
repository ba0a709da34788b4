"""The storm's pace is the work's, its course is the seed's, and what goes wrong in it is told."""

import itertools
import random
import threading

import pytest

from tests.chaos.storm import Storm

# For what comes at once, unless the machine is busy.
_PATIENCE_SECONDS = 60


class Lightning:
    """A kind of fault that only notes what it draws, or cannot be done."""

    name = "lightning"
    mean_pause = 10

    def __init__(self, error: Exception | None = None) -> None:
        self.drawn: list[float] = []
        self.struck = threading.Event()
        self._error = error

    def strike(self, chance: random.Random, calm: threading.Event) -> str | None:
        self.struck.set()
        if self._error is not None:
            raise self._error
        self.drawn.append(chance.random())
        return "a tree"


def _storm(lightning: Lightning, seed: int) -> Storm:
    return Storm([lightning], seed, itertools.count(step=100).__next__)


def _first_draw(seed: int) -> float:
    lightning = Lightning()
    with _storm(lightning, seed).blowing():
        assert lightning.struck.wait(_PATIENCE_SECONDS)
    return lightning.drawn[0]


def test_what_strikes_is_noted_and_chosen_by_the_seed() -> None:
    lightning = Lightning()
    with _storm(lightning, 1).blowing() as storm:
        assert lightning.struck.wait(_PATIENCE_SECONDS)

    assert {(strike.fault, strike.hit) for strike in storm.strikes} == {("lightning", "a tree")}
    assert storm.has_struck_with_all()
    assert _first_draw(1) == lightning.drawn[0]
    assert _first_draw(2) != lightning.drawn[0]


def test_nothing_strikes_while_no_work_is_done() -> None:
    lightning, looked = Lightning(), threading.Semaphore(0)

    def done() -> int:
        looked.release()
        return 7

    with Storm([lightning], 1, done).blowing() as storm:
        for _ in range(4):
            assert looked.acquire(timeout=_PATIENCE_SECONDS)

    assert storm.strikes == []


def test_a_fault_that_cannot_be_done_is_told_and_not_swallowed() -> None:
    lightning = Lightning(OSError("no such part"))

    with pytest.raises(OSError, match="no such part"), _storm(lightning, 1).blowing():
        assert lightning.struck.wait(_PATIENCE_SECONDS)
