"""A sweep as it stands at the start of the command: new, or as an interrupted one has left it."""

from collections.abc import Iterable, Mapping, Sequence

from cli.sweep.config import Plan
from cli.sweep.lines import Line
from cli.sweep.progress import Progress
from cli.sweep.strategies import open_strategy
from cli.sweep.waves import Ended, Wave

Told = tuple[int, int]


def lines(
    plans: Sequence[Plan], waves: Mapping[int, Wave], told: Iterable[Told], progress: Progress
) -> list[Line]:
    """A line per plan, with what was asked and told before.

    `told` are wave and index of the points that have ended, in the order in which they did.

    Raises:
        Rejected: a strategy needs what is not installed, or the points are of another space.

    """
    heard = [(waves[number], index, waves[number].ended[index]) for number, index in told]
    return [
        _line(
            plan,
            [wave for wave in waves.values() if wave.line == place],
            [one for one in heard if one[0].line == place],
            progress,
        )
        for place, plan in enumerate(plans)
    ]


def _line(
    plan: Plan,
    waves: Sequence[Wave],
    heard: Sequence[tuple[Wave, int, Ended]],
    progress: Progress,
) -> Line:
    search = open_strategy(plan)
    asked = [point for wave in waves for point in wave.points]
    search.replay(asked, [(wave.points[index], ended.objective) for wave, index, ended in heard])
    line = Line(plan, search, asked=len(asked))
    for wave, index, ended in heard:
        line.count(wave.number, index, wave.points[index], ended)
        progress.hear(ended)
    return line
