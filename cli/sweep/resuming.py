"""A sweep as it stands at the start of the command: new, or as an interrupted one has left it."""

from collections.abc import Iterable, Mapping, Sequence

from cli.sweep.config import Plan
from cli.sweep.lines import Line
from cli.sweep.machine_time import spent
from cli.sweep.progress import Progress
from cli.sweep.spaces_points import key
from cli.sweep.strategies import open_strategy
from cli.sweep.trace_state import TraceState
from cli.sweep.waves import Ended, Wave
from shared.space import Point

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
    progress.seconds = spent(wave.cost for wave in waves.values())
    return [
        _line(
            plan,
            [wave for wave in waves.values() if wave.line == place],
            [one for one in heard if one[0].line == place],
            progress,
        )
        for place, plan in enumerate(plans)
    ]


def to_send(plans: Sequence[Plan], known: TraceState) -> list[int]:
    """How many points of each plan are still to be sent: never asked for, or stopped."""
    counts = []
    for place, plan in enumerate(plans):
        waves = [(number, one.points) for number, one in known.waves.items() if one.target == place]
        asked = _latest(waves)
        ended = (known.finished.get(one) for one in asked.values())
        stopped = sum(1 for one in ended if one is not None and one.verdict == "stopped")
        counts.append(max(0, plan.trials - len(asked)) + stopped)
    return counts


def _line(
    plan: Plan,
    waves: Sequence[Wave],
    heard: Sequence[tuple[Wave, int, Ended]],
    progress: Progress,
) -> Line:
    search = open_strategy(plan)
    asked = _latest((wave.number, wave.points) for wave in waves)
    # A point that was sent again counts for what came of it then.
    latest = [one for one in heard if asked[key(one[0].points[one[1]])] == (one[0].number, one[1])]
    told = [one for one in latest if one[2].verdict != "stopped"]
    points = {
        (wave.number, index): point for wave in waves for index, point in enumerate(wave.points)
    }
    search.replay(
        [points[place] for place in asked.values()],
        [(wave.points[index], ended.objective) for wave, index, ended in told],
    )
    line = Line(plan, search, asked=len(asked))
    for wave, index, ended in latest:
        line.count(wave.number, index, wave.points[index], ended)
        progress.hear(ended)
    return line


def _latest(waves: Iterable[tuple[int, Sequence[Point]]]) -> dict[str, Told]:
    """Of each point, in the order in which they were asked for, the wave and index it had last."""
    return {
        key(point): (number, index)
        for number, points in waves
        for index, point in enumerate(points)
    }
