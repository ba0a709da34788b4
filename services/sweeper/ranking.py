"""Which of a sweep's results count, and in what order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.events import Sweep
from shared.points import Result, better, newest

Found = tuple[str, Result]


@dataclass(frozen=True)
class Ranking:
    """The results of one attempt: those with a value, the best first, and those of failed points.

    Each is a key and what its name says. The failed ones are in the order of their ends. Of those
    that `succeeded` some may have no value.
    """

    best: tuple[Found, ...]
    failed: tuple[Found, ...]
    succeeded: int


def best_value(
    results: Iterable[Result], sweep: Sweep, attempt: int, known: float | None
) -> float | None:
    """The best value of the objective among new results and what was the best before."""
    best = known
    for one in results:
        value = one.objective
        ours = _is_of(sweep, attempt, one)
        if ours and one.ok and value is not None and better(value, best, sweep.direction):
            best = value
    return best


def ranked(found: Sequence[Found], sweep: Sweep, attempt: int) -> Ranking:
    """All results of an attempt of a sweep, one of each point."""
    ours = {one: key for key, one in found if _is_of(sweep, attempt, one)}
    points = newest(ours).values()
    sign = -1 if sweep.direction == "maximize" else 1
    valued = sorted(
        (sign * one.objective, one.index, one)
        for one in points
        if one.ok and one.objective is not None
    )
    failed = sorted((one.at_ms, one.index, one) for one in points if not one.ok)
    return Ranking(
        best=tuple((ours[one], one) for *_, one in valued),
        failed=tuple((ours[one], one) for *_, one in failed),
        succeeded=sum(one.ok for one in points),
    )


def _is_of(sweep: Sweep, attempt: int, one: Result) -> bool:
    """Whether a result is of this attempt, and of a point that the sweep has."""
    return (one.wave, one.attempt) == (sweep.wave, attempt) and one.index < sweep.size
