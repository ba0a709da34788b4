"""How a sweep is told in words: numbers, spans, points, what has come of them."""

from collections.abc import Mapping

from cli.sweep.progress import LineShot, Snapshot
from shared.scalars import Scalar

_LONGEST_POINT = 60


def number(value: float) -> str:
    """A value of an objective, as it is read: six digits that say something.

    >>> number(0.9412345678), number(1e-05), number(1234567.0)
    ('0.941235', '1e-05', '1.23457e+06')
    """
    return f"{value:.6g}"


def span(seconds: float) -> str:
    """A time span as people say it.

    >>> span(42), span(95), span(7000), span(200000)
    ('42 s', '1 min 35 s', '1 h 56 min', '2 d 7 h')
    """
    whole = round(seconds)
    for (unit, length), (smaller, part) in (
        (("d", 86_400), ("h", 3600)),
        (("h", 3600), ("min", 60)),
        (("min", 60), ("s", 1)),
    ):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def point(parameters: Mapping[str, Scalar]) -> str:
    """The parameters of a point on one line, to be read and not to be typed.

    >>> point({"lr": 0.00149800813961, "act": "relu"})
    'lr=0.00149801 act=relu'
    """
    said = " ".join(f"{name}={short(value)}" for name, value in parameters.items())
    return said if len(said) <= _LONGEST_POINT else said[: _LONGEST_POINT - 1] + "…"


def short(value: Scalar) -> str:
    """The same in no more than six digits."""
    return number(value) if isinstance(value, float) else scalar(value)


def scalar(value: Scalar) -> str:
    """A parameter's value, as YAML would have it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
    return str(value)


def best(line: LineShot) -> str:
    """The best so far, with the point that it is of; nothing if there is none."""
    if line.best is None:
        return ""
    found = line.best
    return f"best {line.objective} {number(found.objective)} ({point(found.point)})"


def counts(line: LineShot) -> str:
    """How many points are where."""
    running = f"{line.running:,} running" if line.running else ""
    waiting = f"{line.waiting:,} waiting" if line.waiting else ""
    failed = f"{line.tally['failed']:,} failed" if line.tally["failed"] else ""
    stopped = f"{line.tally['stopped']:,} stopped" if line.tally["stopped"] else ""
    parts = (f"{line.done:,} of {line.size:,} done", running, waiting, failed, stopped)
    return ", ".join(part for part in parts if part)


def left(snapshot: Snapshot) -> str:
    """How long it will take; nothing where nobody knows."""
    seconds = snapshot.seconds_left
    return "" if seconds is None else f"about {span(seconds)} left"
