"""The middle of a report: what the project's own script says of the results, or else what DVC does.

The results are safe by now. So what takes too long is ended, and what goes wrong, whatever it is,
is told in its own place: neither holds the machine, nor makes a failure of a run that went well.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, TypeVar

from container import interpreter, pictures, storage
from container.bitbucket import Bitbucket
from container.comparison import MOST_BYTES, Comparison, Runs, compare, unknown
from container.log import say
from container.pictures import Pictures
from container.processes import Ended, Interrupted
from container.result import Result
from container.scripts import REPORT, environment, has_own
from container.work import Work

# Far more than a comment holds; the whole report keeps it.
_MOST_OWN = 4_000_000
_OWN = f"The project's own {REPORT}"
_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Middle:
    """What a project's own script has printed, or else what there is to compare, with pictures."""

    text: Optional[str] = None  # noqa: UP045 - Python 3.9 evaluates a field's type
    comparison: Optional[Comparison] = None  # noqa: UP045 - as above
    drawn: Pictures = field(default_factory=Pictures)


def middle(
    work: Work, pushed: Result, until: float, reach: Callable[[], Bitbucket | None]
) -> Middle:
    """Compare the results with the commit that they came from, until a time, a `time.monotonic()`.

    `reach` gives Bitbucket, for the pictures.

    Raises:
        Interrupted: SIGTERM came meanwhile.
    """

    def run(command: Sequence[str], directory: Path) -> Ended:
        return work.run_beside(command, directory, until=until, most=MOST_BYTES)

    text = _or_else(lambda: _own_text(work, pushed, until), lambda why: _left_out(work, why))
    if text or not work.dvc.used:
        return Middle(text)
    found = _or_else(
        lambda: _compared(work, run, pushed),
        lambda why: unknown(work.job.commit, pushed.commit, why),
    )
    drawn = _or_else(
        lambda: _drawn(work, run, found, until, reach),
        lambda why: Pictures(left=(f"There are no pictures: {why}",)),
    )
    work.clear()  # what was ended may have left something
    return Middle(None, found, drawn)


def _or_else(act: Callable[[], _Part], instead: Callable[[str], _Part]) -> _Part:
    """A part of the report; where it goes wrong the log has all of it, and the report why."""
    try:
        return act()
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the run has ended well
        traceback.print_exc()
        say("comparing the results went wrong, which the report says; they are safe")
        ours = f"a fault of the runner, {type(error).__name__}: {error}"
        return instead(str(error) if isinstance(error, OSError) else ours)


def _left_out(work: Work, why: str) -> None:
    work.note(f"{_OWN} is left out: {why}")


def _own_text(work: Work, pushed: Result, until: float) -> str | None:
    """What the project's own script says of the difference; None if it has none, or it failed."""
    if not has_own(work.project, REPORT):
        return None
    try:
        ended = work.children.run(
            [f"./{REPORT}", work.job.commit, pushed.commit, "--all"],
            directory=work.project,
            environment=environment(work.settings, work.dvc.environment, work.directory),
            read=True,
            until=until,
            most=_MOST_OWN,
        )
    except OSError as error:
        work.note(f"{_OWN} could not be started: {error.strerror}")
        return None
    work.clear()
    if ended.late:
        work.note(f"{_OWN} was ended: the time for the report was over")
        return None
    if ended.cut:
        work.note(f"{_OWN} printed more than {_MOST_OWN / 1e6:.0f} MB: only the beginning is kept")
    elif ended.code:
        work.note(f"{_OWN} ended with exit code {ended.code}")
        return None
    return ended.output.decode(errors="replace")


def _compared(work: Work, run: Runs, pushed: Result) -> Comparison:
    return compare(
        run,
        work.project,
        work.job.commit,
        pushed.commit,
        python=interpreter.with_dvc(),
        folder=work.directory / "plots",
    )


def _drawn(
    work: Work,
    run: Runs,
    comparison: Comparison,
    until: float,
    reach: Callable[[], Bitbucket | None],
) -> Pictures:
    """The plots as pictures, each at an address where a reader sees it, or can fetch it."""
    python = interpreter.with_renderer()
    made = pictures.draw(
        run, comparison, work.directory / "pictures", pythons=[] if python is None else [python]
    )
    return Pictures(tuple(storage.place(work, reach, made.drawn, until)), made.left)
