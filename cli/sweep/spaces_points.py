"""Points that are written out: in a sweep's file, or in one of their own.

A file of points is CSV with the parameters' names in its first line, or JSON lines, one object for
each point. Of CSV, a cell is what a word without quotes is in YAML.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.sweep.config_errors import Problem, Problems, reading
from cli.sweep.config_yaml import Entry
from cli.sweep.domains import read_scalar
from shared.errors import Rejected
from shared.scalars import Scalar, checked_name, checked_text, scalar
from shared.space import Point

MOST_POINTS = 100_000


def too_many(count: int | str) -> str:
    """What is said of more points than a sweep can have."""
    told = f"{count:,}" if isinstance(count, int) else count
    return (
        f"this is {told} points, and a sweep has at most {MOST_POINTS:,}: "
        "write tuner: random and ntrial: 1000 to try some of a space, or leave values out"
    )


def key(point: Point) -> str:
    """What two points have in common that are the same.

    >>> key({"a": 1, "b": "x"}) == key({"b": "x", "a": 1}), key({"a": 1}) == key({"a": 1.0})
    (True, False)
    """
    return json.dumps(point, sort_keys=True, allow_nan=False)


def read_points(entry: Entry, problems: Problems) -> list[Point]:
    """The points that a file's key `points` holds."""
    if not isinstance(entry.value, list) or not entry.value:
        problems.note(entry.at, "points are a list: write points: [{lr: 0.1}, {lr: 0.01}]")
        return []
    if len(entry.value) > MOST_POINTS:
        problems.note(entry.at, too_many(len(entry.value)))
        return []
    found: list[Point] = []
    for place, tree in enumerate(entry.value, 1):
        if not isinstance(tree, dict) or not tree:
            problems.note(entry.at, f"point {place} is no mapping: write {{lr: 0.1}}")
            continue
        point: Point = {}
        for name, one in tree.items():
            with problems.at(one.at), _naming(f"point {place}, {name}"):
                point[checked_name(name)] = read_scalar(one.value)
        found.append(point)
    with problems.at(entry.at):
        _check_different(found)
    return found


def read_points_file(path: Path) -> list[Point]:
    """The points of a file.

    Raises:
        Problem: it cannot be read, holds no point, or too many; the text names the line.

    """
    try:
        with reading(path), path.open(encoding="utf-8-sig", newline="") as lines:
            first = lines.read(1)
            lines.seek(0)
            read = _json_lines(lines) if first == "{" else _comma_separated(lines)
            found: list[Point] = []
            for line, point in read:
                if len(found) == MOST_POINTS:
                    message = f"{path}: {too_many(f'over {MOST_POINTS:,}')}"
                    raise Problem(message)
                if not point:
                    message = f"{path}:{line}: this point has no parameters"
                    raise Problem(message)
                found.append(point)
    except (Rejected, csv.Error) as problem:
        message = f"{path}: {problem}"
        raise Problem(message) from problem
    if not found:
        message = f"{path}: this holds no points: write names in the first line, points below"
        raise Problem(message)
    try:
        _check_different(found)
    except Rejected as rejected:
        message = f"{path}: {rejected}"
        raise Problem(message) from rejected
    return found


def _comma_separated(lines: Iterable[str]) -> Iterator[tuple[int, Point]]:
    rows = csv.reader(lines, strict=True)
    names = [checked_name(name.strip()) for name in next(rows, [])]
    if len(set(names)) < len(names):
        message = "a name stands twice in the first line"
        raise Rejected(message)
    for row in rows:
        if not row:
            continue
        if len(row) != len(names):
            message = f"line {rows.line_num} has {len(row)} values for {len(names)} names"
            raise Rejected(message)
        point: Point = {}
        for name, cell in zip(names, row, strict=True):
            with _naming(f"line {rows.line_num}, {name}"):
                point[name] = _cell(cell.strip())
        yield rows.line_num, point


def _cell(word: str) -> Scalar:
    if not word:
        message = "there is nothing: write null, or a value"
        raise Rejected(message)
    return scalar(word)


def _json_lines(lines: Iterable[str]) -> Iterator[tuple[int, Point]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            read = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            message = f'line {number} is no JSON: write {{"lr": 0.1}} on each line'
            raise Rejected(message) from error
        if not isinstance(read, dict):
            message = f'line {number} is no object: write {{"lr": 0.1}}'
            raise Rejected(message)
        point: Point = {}
        for name, value in read.items():
            with _naming(f"line {number}, {name}"):
                point[checked_name(name)] = _json_value(value)
        yield number, point


def _json_value(value: object) -> Scalar:
    if isinstance(value, str):
        return checked_text(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    message = "a value is a number, true, false, null or a text; put quotes around a list"
    raise Rejected(message)


def _no_constant(word: str) -> None:
    # Python's reader takes NaN and Infinity; JSON does not (RFC 8259, section 6).
    raise ValueError(word)


def _check_different(points: list[Point]) -> None:
    seen: dict[str, int] = {}
    for place, point in enumerate(points, 1):
        before = seen.setdefault(key(point), place)
        if before != place:
            message = f"points {before} and {place} are the same: take one away"
            raise Rejected(message)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Say what was rejected."""
    try:
        yield
    except Rejected as rejected:
        message = f"{what}: {rejected}"
        raise Rejected(message) from rejected
