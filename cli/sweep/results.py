"""The points of a sweep with what came of them, as a table, as CSV and as JSON."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from cli.sweep.finding import Known, sweep_of
from cli.sweep.wording import number, scalar, short, span
from shared.points import LONGEST_LINE, MOST_CHILDREN, Place, Result, most_results, newest
from shared.runs import Run
from shared.space import Point
from shared.sweep_results import SweepResults

State = Literal["ok", "failed", "stopped", "open"]
_FACTS = ("wave", "index", "target", "state", "objective", "seconds", "ended_at")
_LONGEST_CELL = 24


@dataclass(frozen=True)
class Row:
    """A point. `seconds`, `ended_at` and `attempt` are None while it has left no result."""

    wave: int
    index: int
    target: str | None
    parameters: Point
    state: State
    objective: float | None = None
    seconds: int | None = None
    ended_at: datetime | None = None
    attempt: int | None = None

    def facts(self) -> dict[str, object]:
        """What there is to know beside its parameters, by the names of columns."""
        at = None if self.ended_at is None else self.ended_at.isoformat(timespec="milliseconds")
        told = {name: getattr(self, name) for name in _FACTS}
        return told | {"ended_at": at and at.replace("+00:00", "Z")}


@dataclass(frozen=True)
class Results:
    """All points of a sweep, by wave and index, and how they are judged.

    `notes` tell what could not be read of what its points have left.
    """

    known: Known
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def objective(self) -> str | None:
        """The metric by which points are judged."""
        return sweep_of(self.known.first).objective

    @property
    def direction(self) -> str:
        """Which of two values is better."""
        return sweep_of(self.known.first).direction

    @property
    def targets(self) -> list[str | None]:
        """What was tuned for, in the order of the waves."""
        return list(dict.fromkeys(row.target for row in self.rows))

    @property
    def names(self) -> list[str]:
        """The names of all parameters, in the order in which they come."""
        return list(dict.fromkeys(name for row in self.rows for name in row.parameters))

    def best_first(self) -> list[Row]:
        """The points that have a value, the best first, then the others as they came."""
        return [*self.best(), *(row for row in self.rows if row.objective is None)]

    def best(self) -> list[Row]:
        """The points that have a value, the best first; of equals the earlier."""
        sign = -1 if self.direction == "maximize" else 1
        valued = ((row.objective, row) for row in self.rows if row.objective is not None)
        return [row for _, row in sorted(valued, key=lambda one: sign * one[0])]


def read(known: Known, results: SweepResults) -> Results:
    """The points of a sweep with their parameters, of those of its waves whose list is there.

    One that was stopped and sent again in a later wave is what became of it there.

    Raises:
        Unavailable: S3 failed.

    """
    notes: list[str] = []
    found = _results(known, results, lambda run: _points(results, run, notes.append))
    sent_again = {_point(row) for row in found.rows if row.state != "stopped"}
    kept = (row for row in found.rows if row.state != "stopped" or _point(row) not in sent_again)
    return Results(known, tuple(kept), (*found.notes, *notes))


def _point(row: Row) -> tuple[str | None, frozenset[tuple[str, object]]]:
    """What makes two rows one point: the texts tell 1 from 1.0 and from True."""
    return row.target, frozenset((name, repr(value)) for name, value in row.parameters.items())


def count(known: Known, results: SweepResults) -> Results:
    """The points of a sweep without their parameters: no list is read.

    Raises:
        Unavailable: S3 failed.

    """
    return _results(known, results, lambda run: [{}] * sweep_of(run).size)


def _results(
    known: Known, results: SweepResults, points: Callable[[Run], Sequence[Point]]
) -> Results:
    attempts = {sweep_of(run).wave: run.attempt for run in known.runs}
    most = most_left(known)
    listed = results.new(None, most=most)
    # Of a sweep that was run again, what came of it before is no result of this attempt.
    found = newest(one for _, one in listed if one.attempt == attempts.get(one.wave))
    rows: list[Row] = []
    for run in known.runs:
        sweep = sweep_of(run)
        for index, parameters in enumerate(points(run)):
            result = found.get((sweep.wave, index))
            rows.append(_row(run, index, parameters, result))
    return Results(known, tuple(rows), (too_many(known.place, most),) if listed.cut else ())


def most_left(known: Known) -> int:
    """How many objects among its results are listed, see `shared.points.most_results`.

    A wave that is not known may have been of any size.
    """
    sweeps = [sweep_of(run) for run in known.runs]
    unknown = max(sweep.wave for sweep in sweeps) - len(sweeps)
    points = sum(sweep.size for sweep in sweeps) + unknown * MOST_CHILDREN
    return most_results(points, max(run.attempt for run in known.runs))


def too_many(place: Place, most: int) -> str:
    """What is said of a sweep whose results were not all read."""
    return (
        f"not all results of the sweep {place.sweep_id} were read: below {place.results} there are "
        f"more than {most:,} objects, and its points leave fewer: remove what is not theirs"
    )


def _points(
    results: SweepResults, run: Run, note: Callable[[str], object]
) -> Sequence[dict[str, Any]]:
    sweep = sweep_of(run)
    try:
        found = results.points(sweep.wave, sweep.size * (sweep.width or LONGEST_LINE + 1))
    except LookupError:
        return []  # a commit's sweep that nobody has listed yet
    except ValueError as error:
        note(f"wave {sweep.wave} is shown without parameters, its list cannot be read: {error}")
        return [{}] * sweep.size
    return found[: sweep.size]


def _row(run: Run, index: int, parameters: Point, result: Result | None) -> Row:
    sweep = sweep_of(run)
    if result is None:
        ended: State = "stopped" if run.state == "stopped" else "failed"
        state: State = ended if run.final else "open"
        return Row(sweep.wave, index, sweep.target, parameters, state)
    return Row(
        wave=sweep.wave,
        index=index,
        target=sweep.target,
        parameters=parameters,
        state="ok" if result.ok else "failed",
        objective=result.objective if result.ok else None,
        seconds=result.seconds,
        ended_at=datetime.fromtimestamp(result.at_ms / 1000, UTC),
        attempt=result.attempt,
    )


def head(results: Results) -> list[str]:
    """The heads of the columns of `cells`; a column that says the same of all is left out."""
    several = len(results.targets) > 1
    facts = ["POINT", *(["TARGET"] if several else []), results.objective or "STATE", "TIME"]
    return [*facts, *results.names]


def cells(results: Results, rows: Sequence[Row]) -> Iterator[list[str]]:
    """The rows of a table that people read."""
    several = len(results.targets) > 1
    for row in rows:
        value = number(row.objective) if row.objective is not None else row.state
        yield [
            f"{row.wave}/{row.index}",
            *([row.target or "-"] if several else []),
            value if results.objective else row.state,
            "-" if row.seconds is None else span(row.seconds),
            *(_cell(row.parameters, name) for name in results.names),
        ]


def as_csv(results: Results) -> str:
    """All points as CSV: parameters, and what came of them.

    A parameter that is called like one of the other columns has `parameters.` before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = results.names
    writer.writerow([*_FACTS, *(f"parameters.{n}" if n in _FACTS else n for n in names)])
    for row in results.rows:
        facts = ["" if fact is None else fact for fact in row.facts().values()]
        writer.writerow(
            [*facts, *(scalar(row.parameters[n]) if n in row.parameters else "" for n in names)]
        )
    return text.getvalue()


def as_json(row: Row) -> Mapping[str, object]:
    """A point for programs."""
    return {**row.facts(), "parameters": row.parameters}


def _cell(parameters: Point, name: str) -> str:
    if name not in parameters:
        return "-"
    told = short(parameters[name])
    return told if len(told) <= _LONGEST_CELL else told[: _LONGEST_CELL - 1] + "…"
