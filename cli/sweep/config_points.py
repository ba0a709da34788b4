"""Which points a sweep is to try: by which strategy, of which space or list, and how many."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.sweep.config_errors import Problems
from cli.sweep.config_plan import Strategy
from cli.sweep.config_yaml import Entry
from cli.sweep.domains import read_domain
from cli.sweep.spaces import SearchSpace, read_space
from cli.sweep.spaces_points import MOST_POINTS, read_points, read_points_file, too_many
from shared.space import Point

# Each proposal of a Bayesian search looks at all points before it.
_MOST_STEERED = 10_000
_SOURCES = ("space", "points", "points-file")


@dataclass(frozen=True)
class Chosen:
    """The points: `trials` of a space, or those of a list."""

    strategy: Strategy
    trials: int
    space: SearchSpace | None = None
    points: tuple[Point, ...] = ()


def choose(said: dict[str, Entry], values: dict[str, Any], problems: Problems) -> Chosen | None:
    """What the options say about points; None where something in it is wrong."""
    given = [name for name in _SOURCES if name in said]
    if len(given) > 1:
        message = f"{given[1]}: the points are said already, by {given[0]}: keep one"
        problems.note(said[given[1]].at, message)
        return None
    if given and given[0] != "space":
        return _listed(said, values, problems)
    space = _space(said, problems)
    if space is None:
        # A file that could not be read, or a key that nobody knows, may have held them.
        if not given and "workload" not in said and not problems:
            what = "write space: {lr: [0.1, 0.01]}, points: […] or points-file: points.csv"
            problems.note("the sweep", f"there are no points: {what}")
        return None
    strategy: Strategy = values.get("tuner", "random" if space.endless else "grid")
    at = said["tuner"].at if "tuner" in said else said[given[0] if given else "workload"].at
    if strategy == "list":
        problems.note(at, "a list takes points or points-file; of a space, write tuner: grid")
    elif strategy == "grid":
        return _grid(space, values, at, problems)
    else:
        return _sampled(strategy, space, values, at, problems)
    return None


def _listed(said: dict[str, Entry], values: dict[str, Any], problems: Problems) -> Chosen | None:
    strategy = values.get("tuner", "list")
    if strategy not in ("list", "grid"):
        what = f"{strategy} chooses of a space, and these points are a list: leave tuner out"
        problems.note(said["tuner"].at, what)
        return None
    if "workload" in said:
        problems.note(said["workload"].at, "workload goes with a space: write it into the points")
        return None
    if "points" in said:
        points = read_points(said["points"], problems)
    else:
        points = []
        at = said["points-file"].at
        with problems.at(at):
            # A path in a file is meant from where that file is.
            points = read_points_file(at.folder / Path(str(values.get("points-file", ""))))
    trials = values.get("ntrial", len(points))
    if points and trials < len(points):
        what = f"a list runs all its {len(points):,} points: leave ntrial out"
        problems.note(said["ntrial"].at, what)
    return Chosen("list", len(points), points=tuple(points)) if points else None


def _space(said: dict[str, Entry], problems: Problems) -> SearchSpace | None:
    """The space, with Lorien's workloads as one more parameter."""
    space = read_space(said["space"], problems) if "space" in said else SearchSpace({})
    if space is not None and "workload" in said:
        entry = said["workload"]
        with problems.at(entry.at):
            return SearchSpace(
                {"workload": read_domain("workload", entry.value), **space.parameters}
            )
    return space if space and space.parameters else None


def _grid(
    space: SearchSpace, values: dict[str, Any], at: object, problems: Problems
) -> Chosen | None:
    size = space.size
    if size is None:
        name = space.endless[0]
        what = f"a grid has no end with {name} between two numbers: write a list, or tuner: random"
        problems.note(at, what)
    elif size > MOST_POINTS:
        problems.note(at, too_many(size))
    elif values.get("ntrial", size) < size:
        what = (
            f"a grid runs all its {size:,} points: write tuner: random to try {values['ntrial']:,}"
        )
        problems.note(at, what)
    else:
        return Chosen("grid", size, space)
    return None


def _sampled(
    strategy: Strategy,
    space: SearchSpace,
    values: dict[str, Any],
    at: object,
    problems: Problems,
) -> Chosen | None:
    trials = values.get("ntrial", space.size)
    if strategy == "bayes" and "objective" not in values:
        problems.note(at, "bayes needs an objective: write objective: max accuracy, say")
    if trials is None:
        problems.note(at, f"{strategy} needs a number of points: write ntrial: 100, say")
        return None
    trials = min(trials, trials if space.size is None else space.size)
    if trials > MOST_POINTS:
        problems.note(at, too_many(trials))
    elif strategy == "bayes" and trials > _MOST_STEERED:
        what = f"bayes has at most {_MOST_STEERED:,} points: write ntrial: 1000, or tuner: random"
        problems.note(at, what)
    else:
        return Chosen(strategy, trials, space)
    return None
