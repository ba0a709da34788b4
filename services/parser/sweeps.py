"""What the keywords of a sweep say: the space, and the metric that its points are judged by."""

import re
from collections.abc import Sequence
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
_REFUSED = {
    "--name": "names one experiment, and a sweep makes one of each point",
    "--queue": "runs nothing now, and the queue ends with the job",
    "--no-commit": "keeps outputs out of DVC's cache, so they would end with the job",
}
# Short options whose value may be the rest of the word: -Sname=1 (`dvc exp run --help`, 3.67.1).
_TAKES_THE_REST = frozenset("SjCmM")
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


def check_arguments(words: Sequence[str]) -> None:
    """See that the arguments of `dvc exp run` hold nothing that every point would refuse.

    DVC takes an option cut short, `--nam=x`, and short ones in one word, `-fn x` (argparse).

    Raises:
        Rejected: they do; the text says what to leave out.

    """
    options = words[: words.index("--")] if "--" in words else words
    for word in options:
        option = _option(word)
        why = _REFUSED.get(option or "")
        if why is not None:
            message = f"{option} {why}: leave it out"
            raise Rejected(message)


def _option(word: str) -> str | None:
    """Which of the refused options a word is, if any."""
    if word.startswith("--"):
        written = word.partition("=")[0]
        # Shorter ones are short for others as well, which DVC refuses itself.
        found = [name for name in _REFUSED if len(written) > 3 and name.startswith(written)]
        return found[0] if found else None
    if not word.startswith("-"):
        return None
    for letter in word[1:]:
        if letter == "n":
            return "--name"
        if letter in _TAKES_THE_REST:
            return None
    return None


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
