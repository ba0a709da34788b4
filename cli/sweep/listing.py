"""Sweeps in words: a row of the list, a page about one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cli.runs.wording import moment, name
from cli.shown import age, printable, table
from cli.sweep.finding import Known, sweep_of
from cli.sweep.results import Results, Row, cells, head
from cli.sweep.wording import number, span

HEAD = ("SWEEP", "STATE", "CHANGED", "REPOSITORY", "COMMIT", "POINTS", "BEST", "BY")
_SHORT = 12
_MOST_WAVES = 10
_BEST = 5


def row(known: Known, results: Results, now: datetime) -> tuple[str, ...]:
    """A sweep in the list; its points are those of the waves that are known."""
    first, told = known.first, as_json(known, results)
    best, failed = told["best"], told["failed"]
    return (
        known.sweep_id[:_SHORT],
        str(told["state"]),
        f"{age(now - known.changed)} ago",
        first.repository.full_name if first.repository else "-",
        (first.commit or "-")[:_SHORT],
        f"{told['succeeded']:,} of {told['size']:,}" + (f", {failed:,} failed" if failed else ""),
        "-" if best is None else f"{told['objective']} {number(best)}",
        name(first.pushed_by),
    )


def as_json(known: Known, results: Results) -> dict[str, Any]:
    """A sweep for programs; its points are counted by the results that they have left."""
    first, sweep = known.first, sweep_of(known.first)
    count = Counter(row.state for row in results.rows)
    best = results.best()
    return {
        "sweep_id": known.sweep_id,
        "state": known.state,
        "repository": first.repository.full_name if first.repository else None,
        "branch": first.branch,
        "commit": first.commit,
        "by": name(first.pushed_by),
        "begun_at": moment(known.begun).replace(" ", "T"),
        "changed_at": moment(known.changed).replace(" ", "T"),
        "waves": [run.run_id for run in known.runs],
        "size": sum(sweep_of(run).size for run in known.runs),
        "succeeded": count["ok"],
        "failed": count["failed"],
        "stopped": count["stopped"],
        "open": count["open"],
        "objective": sweep.objective,
        "direction": sweep.direction,
        "best": best[0].objective if best else None,
    }


def page(known: Known, results: Results, now: datetime) -> Iterator[str]:
    """All that is worth knowing of a sweep, without its points but for the best."""
    facts = _facts(known, results, now)
    width = max(map(len, facts))
    yield from (f"{label:<{width}}  {printable(fact)}" for label, fact in facts.items() if fact)
    yield ""
    yield from _waves(known, results)
    best = results.best()[:_BEST]
    if best:
        yield ""
        yield from table(head(results), list(cells(results, best)))


def _facts(known: Known, results: Results, now: datetime) -> Mapping[str, str | None]:
    first, sweep = known.first, sweep_of(known.first)
    seconds = sum(row.seconds or 0 for row in results.rows)
    repository = first.repository.full_name if first.repository else "-"
    does = sweep.command or " ".join(filter(None, ["dvc exp run", first.asked.arguments]))
    return {
        "sweep": known.sweep_id,
        "state": str(known.state),
        "points": counted(results.rows),
        "space": sweep.space,
        "each runs": does,
        "judged by": f"{sweep.objective}, to {sweep.direction}" if sweep.objective else None,
        "project": f"{repository}, {first.branch} at {(first.commit or '-')[:_SHORT]}",
        "asked by": name(first.pushed_by),
        "begun": f"{moment(known.begun)}, {age(now - known.begun)} ago",
        "machine time": span(seconds),
        "reason": first.reason if len(known.runs) == 1 else None,
    }


def counted(rows: Sequence[Row]) -> str:
    """How many points are in which state."""
    count = Counter(row.state for row in rows)
    parts = [f"{len(rows):,} in all"]
    parts += [f"{count[state]:,} {state}" for state in ("ok", "failed", "stopped", "open")]
    return ", ".join(part for part in parts if not part.startswith("0 "))


def _waves(known: Known, results: Results) -> Iterator[str]:
    several = len(results.targets) > 1
    rows = []
    for run in known.runs[-_MOST_WAVES:]:
        sweep = sweep_of(run)
        count = Counter(one.state for one in results.rows if one.wave == sweep.wave)
        rows.append(
            [
                str(sweep.wave),
                *([sweep.target or "-"] if several else []),
                run.state,
                f"{sweep.size:,}",
                *(f"{count[state]:,}" for state in ("ok", "failed", "open")),
                run.run_id,
            ]
        )
    heads = ["WAVE", *(["TARGET"] if several else []), "STATE", "POINTS", "OK", "FAILED", "OPEN"]
    yield from table([*heads, "RUN"], rows)
    if len(known.runs) > _MOST_WAVES:
        yield f"and {len(known.runs) - _MOST_WAVES} waves before these"
