"""What is said of a sweep at its end."""

from collections.abc import Iterator, Sequence

from cli.shown import command, printable, table
from cli.sweep.engine import Outcome
from cli.sweep.keeping import shelf
from cli.sweep.lines import Line
from cli.sweep.preparing import Prepared
from cli.sweep.wording import number, short, span
from shared.best import Best
from shared.space import Point

_HEADS: dict[Outcome, str] = {
    "complete": "done",
    "left": "goes on",
    "stopped": "stopped",
    "budget": "ended by its budget",
    "hopeless": "given up",
}


def summary(
    prepared: Prepared,
    lines: Sequence[Line],
    held: Sequence[Sequence[Best] | None],
    outcome: Outcome,
    *,
    seconds: float,
    machine_seconds: float,
) -> Iterator[str]:
    """The end of a sweep, line by line; `held` is what the tables of best results hold now."""
    yield ""
    yield (
        f"sweep {prepared.sweep_id} {_HEADS[outcome]} after {span(seconds)}, "
        f"{span(machine_seconds)} of machine time"
    )
    for line, best in zip(lines, held, strict=True):
        full_name = prepared.source.repository.full_name
        yield from _target(line, best, prepared.sweep_id, full_name)
    logs = {plan.log_to for plan in prepared.plans if plan.log_to is not None}
    for place in sorted(logs):
        yield f"complete logs: {place.rstrip('/')}/{prepared.sweep_id}/"
    sweep_id, account = prepared.sweep_id, prepared.account
    yield f"all points: {command(account, 'sweep', 'results', sweep_id)}"
    if any(line.best and line.plan.command is None for line in lines):
        yield f"the best as a DVC experiment: {command(account, 'sweep', 'fetch', sweep_id)}"


def failures(lines: Sequence[Line]) -> str | None:
    """What is said if more points failed than are tolerated; None otherwise."""
    told = []
    for line in lines:
        if line.too_many_failed:
            label = f"{line.plan.target}: " if line.plan.target else ""
            share = line.plan.tolerate_percent
            more = f": more than the {share} % that are tolerated" if share else ""
            failed, all_ended = line.tally["failed"], line.tally.total()
            told.append(f"{label}{failed:,} of {all_ended:,} points failed{more}")
    return "; ".join(told) or None


def _target(
    line: Line, held: Sequence[Best] | None, sweep_id: str, full_name: str
) -> Iterator[str]:
    label = f"{printable(line.plan.target)}: " if line.plan.target else ""
    parts = (
        f"{line.tally['ok']:,} of {line.size:,} points succeeded",
        f"{line.tally['failed']:,} failed" if line.tally["failed"] else "",
        f"{line.tally['stopped']:,} stopped" if line.tally["stopped"] else "",
    )
    yield label + ", ".join(part for part in parts if part)
    if line.best is not None and held is None:
        found = line.best
        value, place = number(found.objective), f"{found.wave}/{found.index}"
        yield f"  best {line.plan.objective} {value}, point {place}"
        yield f"  {_whole(found.point)}"
    if held:
        _, study = shelf(line.plan, full_name)
        yield f"  the best of {study} in the table {line.plan.commit_table}:"
        yield from (f"  {row}" for row in _kept(line, held, sweep_id))


def _kept(line: Line, held: Sequence[Best], sweep_id: str) -> Iterator[str]:
    names = list(dict.fromkeys(name for one in held for name in one.parameters))
    rows = [
        [
            f"{one.sweep_id[:12]} {one.wave}/{one.index}{' *' if one.sweep_id == sweep_id else ''}",
            number(one.objective),
            *(short(one.parameters[name]) if name in one.parameters else "-" for name in names),
        ]
        for one in held
    ]
    yield from table(["POINT (* of this sweep)", line.plan.objective or "", *names], rows)


def _whole(parameters: Point) -> str:
    return printable(" ".join(f"{name}={short(value)}" for name, value in parameters.items()))
