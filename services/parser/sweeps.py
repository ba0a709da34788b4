"""What the keywords of a sweep say: the space, and the metric that its points are judged by."""

import re
from dataclasses import dataclass
from typing import Literal

from shared.errors import Rejected
from shared.events import RunId, Sweep
from shared.space import parse

# A list has a line per point, each as long as the longest: what one parameter says stands in all.
_LONGEST_SPACE = 4096
_LONGEST_METRIC = 200
# Beyond it a size is no number that anybody wants to read.
_MOST_SHOWN = 10**12
_DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {
    "max": "maximize",
    "maximize": "maximize",
    "min": "minimize",
    "minimize": "minimize",
}
_OBJECTIVE = re.compile(r"(?:(\S+)\s+)?(\S+)")


@dataclass(frozen=True)
class Objective:
    """A metric, and whether more or less of it is better."""

    metric: str | None = None
    direction: Literal["maximize", "minimize"] = "maximize"


def sweep(
    space: str, objective: Objective, run_id: RunId, most_points: int, tolerated_percent: int
) -> Sweep:
    """The sweep of a commit's run; its place is the run's, so that a rerun sweeps the same points.

    Raises:
        Rejected: the space cannot be read, or has too many points; the text says what to write.

    """
    if len(space) > _LONGEST_SPACE:
        message = (
            f"the space is longer than {_LONGEST_SPACE:,} characters: write it into a file, and "
            "sweep it with cloud-runner sweep run"
        )
        raise Rejected(message)
    size = parse(space).size
    if size > most_points:
        counted = f"{size:,}" if size <= _MOST_SHOWN else f"more than {_MOST_SHOWN:,}"
        message = (
            f"the space has {counted} points, and a commit may ask for {most_points:,} "
            "(MaxSweepPoints): take values away, or draw some of them with cloud-runner sweep run"
        )
        raise Rejected(message)
    return Sweep(
        sweep_id=run_id,
        size=size,
        space=space,
        objective=objective.metric,
        direction=objective.direction,
        tolerated_percent=tolerated_percent,
    )


def objective(text: str) -> Objective:
    """The objective in `max accuracy`; without a direction more is better.

    Raises:
        Rejected: it is something else; the text says what to write.

    >>> objective("min log_loss")
    Objective(metric='log_loss', direction='minimize')
    """
    match = _OBJECTIVE.fullmatch(text)
    if match is None or len(match[2]) > _LONGEST_METRIC:
        message = "the objective is the name of one metric: write accuracy, or min log_loss"
        raise Rejected(message)
    direction = _DIRECTIONS.get(match[1] or "max")
    if direction is None:
        message = f"an objective is max or min: write max {match[2]}, or min {match[2]}"
        raise Rejected(message)
    return Objective(match[2], direction)
