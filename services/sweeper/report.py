"""The comment on the commit that a sweep leaves: its best points, and why others failed.

Bitbucket documents no limit for a comment, and has refused some beyond 31,000 characters
(qodo-ai/pr-agent cuts there). Every part is cut, so that all together stay below 30,000.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from shared.durations import duration
from shared.events import Repository, RunId, Sweep
from shared.lines import one_line
from shared.markdown import escaped
from shared.progress import summary
from shared.runs import Run

_NAME, _VALUE, _REASON, _SPACE = 40, 60, 500, 500
_MOST_COLUMNS = 8
_OUTCOMES = {
    "succeeded": "**Sweep done**",
    "failed": "**Sweep failed**",
    "stopped": "**Sweep stopped**",
}


@dataclass(frozen=True)
class Point:
    """The result of a point, as far as the report and the table of best results show it.

    One that is not `readable` has what its object's name says, no parameters, and a reason.
    """

    index: int
    objective: float | None
    parameters: dict[str, object]
    reason: str
    commit: str | None
    at: datetime
    readable: bool = True


def marker(run_id: RunId) -> str:
    """What the comment of a sweep holds, and no other.

    >>> marker(RunId("4f2a"))
    '"cloud-sweep:4f2a"'
    """
    return f'"cloud-sweep:{quote(run_id, safe="")}"'


def report(
    run: Run, sweep: Sweep, best: Sequence[Point], failed: Sequence[Point], note: str | None
) -> str:
    """The text of the comment, in Bitbucket's Markdown."""
    parts = [
        _first_line(run, sweep),
        _what(run, sweep),
        _table(sweep, best),
        _failures(run, failed),
        note and _shown(note, _REASON),
        f"All points: `cloud-runner sweep results {sweep.sweep_id}`",
        _last_line(run),
    ]
    return "\n\n".join(part for part in parts if part)


def _first_line(run: Run, sweep: Sweep) -> str:
    took = duration(run.started_at, run.stopped_at)
    head = _OUTCOMES.get(run.state, "**Sweep ended**") + (f" after {took}" if took else "")
    said = summary(run.progress, sweep.objective) if run.progress is not None else ""
    reason = _shown(run.reason.rstrip("."), _REASON) if run.reason else ""
    return f"{head}: {'. '.join(filter(None, [reason, _shown(said, _REASON)]))}."


def _what(run: Run, sweep: Sweep) -> str:
    space = _shown(sweep.space or "", _SPACE)
    where = f"branch {_shown(run.branch, _REASON)}" if run.branch else ""
    at = f"at {run.commit[:7]}" if run.commit else ""
    return " ".join(filter(None, [space, "on" if space and where else "", where, at]))


def _table(sweep: Sweep, best: Sequence[Point]) -> str:
    if sweep.objective is None:
        return "No metric was named, so the points are not ranked: the keyword OBJECTIVE names one."
    if not best:
        metric = _shown(sweep.objective, _REASON)
        return f"No point has the metric {metric}: see that a metrics file of the project has it."
    names = list(dict.fromkeys(name for one in best for name in one.parameters))
    columns = names[:_MOST_COLUMNS]
    heads = ["point", sweep.objective, *columns]
    lines = [
        _row([_shown(head, _NAME) for head in heads]),
        _row(["--:", "--:", *("---" for _ in columns)]),
        *(_row(_cells(one, columns)) for one in best),
    ]
    more = f"\n\nAnd {len(names) - len(columns)} more parameters." if columns != names else ""
    return "\n".join(lines) + more


def _cells(one: Point, columns: Sequence[str]) -> list[str]:
    values = [
        _shown(_said(one.parameters[name]), _VALUE) if name in one.parameters else ""
        for name in columns
    ]
    return [str(one.index), "" if one.objective is None else f"{one.objective:.6g}", *values]


def _failures(run: Run, failed: Sequence[Point]) -> str:
    count = run.progress.failed if run.progress is not None else len(failed)
    if not count:
        return ""
    head = f"{count:,} points failed" if count > 1 else "1 point failed"
    if not failed:
        return f"{head}, and left no result: the log of its job tells why."
    lines = [
        f"- point {one.index} ({_parameters(one.parameters)}): "
        f"{_shown(one.reason, _REASON) or 'no reason given'}"
        for one in failed
    ]
    more = ", the first of them" if count > len(failed) else ""
    return "\n".join([f"{head}{more}:", "", *lines])


def _parameters(parameters: Mapping[str, object]) -> str:
    said = ", ".join(f"{name}={_said(value)}" for name, value in parameters.items())
    return _shown(said, _REASON)


def _last_line(run: Run) -> str:
    link = f"[run]({_page(run.repository, run.commit)} {marker(run.run_id)})"
    return f"attempt {run.attempt} · {link} {run.run_id}"


def _page(repository: Repository | None, commit: str | None) -> str:
    if repository is None or commit is None:
        return "https://bitbucket.org/"
    return f"https://bitbucket.org/{quote(repository.full_name)}/commits/{quote(commit, safe='')}"


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(text: str, limit: int) -> str:
    """Text on one line, cut, with nothing in it that Markdown would take for its own."""
    return escaped(one_line(text, limit))
