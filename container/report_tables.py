"""What a report says of metrics and parameters: their tables, and why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from container.comparison import Comparison, Differences, Value
from container.report_sections import Section, columns, count, row
from container.report_text import code, plain, shown
from container.report_values import change, pair, single

# Bytes of a cell's text in a comment; the whole report cuts none.
CELL = 60
_NAME = 80


@dataclass(frozen=True)
class _Kind:
    """Metrics or parameters, in words."""

    title: str
    noun: str
    singular: str
    none: str
    command: str


_METRICS = _Kind(
    "Metrics",
    "metrics",
    "metric",
    "This project has no metrics: a stage names its own under `metrics:` in `dvc.yaml`.",
    "dvc metrics diff",
)
_PARAMS = _Kind(
    "Parameters",
    "parameters",
    "parameter",
    "This project has no parameters that DVC knows.",
    "dvc params diff",
)


def metrics(comparison: Comparison, *, everything: bool, limit: int) -> Section:
    """The metrics; unchanged ones with `everything`. `limit`: bytes of a cell, 0 for any."""
    return _values(_METRICS, comparison, comparison.metrics, everything=everything, limit=limit)


def params(comparison: Comparison, *, everything: bool, limit: int) -> Section:
    """The parameters, in the same way."""
    return _values(_PARAMS, comparison, comparison.params, everything=everything, limit=limit)


def revision(name: str) -> str:
    """A commit as people call it.

    >>> revision("4248944888db407ac47024b44a9ad91f4fcab5c4"), revision("main")
    ('4248944', 'main')
    """
    is_hash = len(name) >= 40 and all(digit in "0123456789abcdef" for digit in name)
    return name[:7] if is_hash else plain(name)


def command(words: str, comparison: Comparison) -> str:
    """Where else differences can be seen."""
    both = f"{words} {revision(comparison.old)} {revision(comparison.new)}"
    return f"{code(both, 200)} shows them"


def _values(
    kind: _Kind, comparison: Comparison, found: Differences, *, everything: bool, limit: int
) -> Section:
    if found.problem:
        why = shown(found.problem, 600)
        return Section(kind.title, (f"The {kind.noun} could not be compared: {why}.",))
    if not found.values:
        return Section(kind.title, (_unread(kind, comparison, found) or kind.none,))
    old, new = (f"{word} ({shown(revision(name), 40)})" for word, name in _sides(comparison))
    changed = [value for value in found.values if value.changed]
    sentences = [_unread(kind, comparison, found), _summary(kind, comparison, found, changed)]
    if found.locked and changed:
        sentences.append("Before and after are what the stages had run with, as `dvc.lock` says.")
    rows: Sequence[Value] = found.values if everything else changed
    name_of, first = _naming(kind, found.values, limit)
    right = 0
    if all(value.old is None for value in found.values):
        heads: tuple[str, ...] = ("Value",)
        lines = [row(name_of(value), single(value.new, limit)) for value in rows]
    elif kind is _METRICS:
        heads, right = (old, new, "Change"), 3
        lines = [
            row(name_of(value), *pair(value, limit), _change(value, comparison, found))
            for value in rows
        ]
    else:
        heads = (old, new)
        lines = [row(name_of(value), *pair(value, limit)) for value in rows]
    return Section(
        kind.title,
        (" ".join(filter(None, sentences)),),
        columns(*first, *heads, right=right),
        tuple(lines),
        kind.noun,
        command(kind.command, comparison),
    )


def _summary(
    kind: _Kind, comparison: Comparison, found: Differences, changed: Sequence[Value]
) -> str:
    total = len(found.values)
    if all(value.old is None for value in found.values):
        before = shown(revision(comparison.old), 40)
        return f"There is no baseline: the commit before, {before}, has no {kind.noun}."
    if not changed:
        one = f"The one {kind.singular} is as before."
        return one if total == 1 else f"No {kind.singular} changed: all {total} are as before."
    if len(changed) == total:
        return ""
    return f"{len(changed)} of {count(total, kind.singular, kind.noun)} changed."


def _change(value: Value, comparison: Comparison, found: Differences) -> str:
    out_of_reach = (value.old is None and comparison.old in found.unread) or (
        value.new is None and comparison.new in found.unread
    )
    return "" if out_of_reach else change(value.old, value.new)


def _unread(kind: _Kind, comparison: Comparison, found: Differences) -> str:
    names = [word.lower() for word, name in _sides(comparison) if name in found.unread]
    if not names:
        return ""
    return (
        f"DVC could not load some {kind.noun} of the commit {' and the one '.join(names)}, so what "
        "is missing there may only be out of reach."
    )


def _naming(
    kind: _Kind, values: Sequence[Value], limit: int
) -> tuple[Callable[[Value], str], tuple[str, ...]]:
    """How a row begins, and the heads of those columns: one file stands in the head alone."""
    most = _NAME if limit else 0

    def name_of(value: Value) -> str:
        return shown(value.name, most) or "(the whole file)"

    files = {value.file for value in values}
    if len(files) == 1:
        return name_of, (shown(files.pop(), most),)
    return (
        lambda value: f"{shown(value.file, most)} | {name_of(value)}",
        ("File", kind.singular.capitalize()),
    )


def _sides(comparison: Comparison) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("Before", comparison.old), ("After", comparison.new)
