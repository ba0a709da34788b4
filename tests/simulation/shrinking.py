"""The shortest schedule that still goes wrong: as few faults as possible, as early as possible."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.simulate import Outcome, simulate

_MOST_TRIES = 400


@dataclass(frozen=True)
class Shrunk:
    """What to give to `simulate` for the short schedule, and what came of it."""

    seed: int
    until: int | None
    without: frozenset[int]
    outcome: Outcome


def shrink(outcome: Outcome, run: Callable[..., Outcome] = simulate) -> Shrunk:
    """A shorter schedule of a seed that goes wrong, in the same way.

    First the shortest prefix of decisions (found by halves, so it is the shortest for schedules
    that stay wrong when they get longer), then faults are left out as long as that goes on: all of
    a kind at one place, then single ones.
    """
    assert outcome.violation is not None
    wrong = outcome.violation.name
    tries = 0

    def still(until: int | None, without: frozenset[int]) -> Outcome | None:
        nonlocal tries
        tries += 1
        found = run(outcome.seed, until=until, without=without)
        return found if found.violation is not None and found.violation.name == wrong else None

    best = Shrunk(outcome.seed, outcome.decisions, frozenset(), outcome)
    low, high = -1, outcome.decisions
    while high - low > 1:
        middle = (low + high) // 2
        found = still(middle, frozenset())
        if found is None:
            low = middle
        else:
            high = middle
            best = Shrunk(outcome.seed, middle, frozenset(), found)
    # All that struck one place: of these others strike later where only some are left out.
    for place in dict.fromkeys(strike.place for strike in reversed(best.outcome.faults)):
        found = still(best.until, best.without | {place})
        if found is not None and len(found.faults) < len(best.outcome.faults):
            best = Shrunk(outcome.seed, best.until, best.without | {place}, found)
    # Many at once first, then fewer, in the end single ones (delta debugging: Zeller, Hildebrandt,
    # 2002). The latest first: what came before them stays as it is.
    size = len(best.outcome.faults)
    while size >= 1 and tries < _MOST_TRIES:
        fewer = False
        for end in range(len(best.outcome.faults), 0, -size):
            some = {strike.number for strike in best.outcome.faults[max(0, end - size) : end]}
            found = still(best.until, best.without | some) if some else None
            if found is not None and len(found.faults) < len(best.outcome.faults):
                best = Shrunk(outcome.seed, best.until, best.without | some, found)
                fewer = True
            if tries >= _MOST_TRIES:
                break
        # Single ones again and again, as long as that helps.
        size = size if size == 1 and fewer else size // 2
    return best
