"""A run in words: a row, a line of its progress; and for programs."""

from datetime import datetime
from typing import Any

from cli.shown import age, printable
from shared.durations import duration
from shared.events import Person, Progress
from shared.runs import Run

HEAD = ("RUN", "STATE", "CHANGED", "REPOSITORY", "BRANCH", "COMMIT", "BY", "ASKS FOR")
SHORT = 12
_LONGEST_CELL = 48
# What only the services go by.
_INTERNAL = {"after", "inferred", "lease_until"}


def row(run: Run, now: datetime) -> tuple[str, ...]:
    """A run in the list."""
    return (
        run.run_id[:SHORT],
        state(run),
        f"{age(now - run.updated_at)} ago",
        run.repository.full_name if run.repository else "-",
        run.branch or "-",
        (run.commit or "-")[:SHORT],
        _cut(name(run.pushed_by)),
        _cut(asks(run)),
    )


def candidate(run: Run) -> str:
    """A run on one line, where one of several has to be chosen."""
    parts = (
        run.repository and run.repository.full_name,
        run.branch,
        (run.commit or "")[:SHORT],
        run.machine and asks(run),
    )
    where = " ".join(part for part in parts if part)
    return printable(f"{run.run_id}  {run.state}  {run.created_at:%Y-%m-%d %H:%M}  {where}")


def state(run: Run) -> str:
    """The state, with how far a sweep is and whether somebody has asked to stop it."""
    words = "stopping" if run.stop_asked is not None and not run.final else str(run.state)
    if run.progress is not None and not run.final:
        done = run.progress.succeeded + run.progress.failed
        words += f" {done}/{run.progress.size}"
    return words


def asks(run: Run) -> str:
    """What a run was asked to do."""
    asked = run.asked
    if asked.sweep is not None:
        what = f"sweep of {points(asked.sweep.size)}"
        best = run.progress.best if run.progress is not None else None
        return f"{what}, best {best}" if best is not None else what
    what = "experiment" if asked.experiment else "run"
    if asked.module is not None:
        what = f"python -m {asked.module}"
    return f"{what} {asked.arguments}" if asked.arguments else what


def points(count: int) -> str:
    """So many points."""
    return "1 point" if count == 1 else f"{count} points"


def name(person: Person) -> str:
    """Who it was, as far as that is known."""
    return person.name or person.id or "-"


def progress(told: Progress, objective: str | None) -> str:
    """How far a sweep is.

    >>> looked_at = datetime(2026, 11, 20)
    >>> progress(Progress(size=60, succeeded=36, failed=1, best="0.94", looked_at=looked_at), "f1")
    '37 of 60 done, 1 failed, 0 running, best f1 0.94'
    """
    done = told.succeeded + told.failed
    words = [f"{done} of {told.size} done"]
    if told.failed:
        words.append(f"{told.failed} failed")
    words.append(f"{told.running} running")
    if told.best is not None:
        words.append(f"best {objective} {told.best}" if objective else f"best {told.best}")
    return ", ".join(words)


def how_far(run: Run) -> str | None:
    """How far the run's sweep is; None where there is none, or nobody has looked yet."""
    if run.progress is None:
        return None
    return progress(run.progress, run.asked.sweep.objective if run.asked.sweep else None)


def moment(time: datetime) -> str:
    """A time to the second, UTC.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 20, 12, 0, 3, tzinfo=UTC))
    '2026-11-20 12:00:03Z'
    """
    return f"{time:%Y-%m-%d %H:%M:%S}Z"


def took(run: Run) -> str | None:
    """How long the attempt has run, once it is over; None where it never started."""
    return duration(run.started_at, run.stopped_at) or None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


def as_json(run: Run) -> dict[str, Any]:
    """A run for programs, with the field names of its events."""
    return run.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_INTERNAL)
