"""What differs between two commits of a DVC project: its metrics, its parameters, its plots.

Each of the three may fail by itself; then it says why, and the others stand.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from container import report_differences, report_params
from container.processes import Ended
from container.report_plots import Plots, read_plots
from container.report_rows import NOT_JSON, OTHER_FORM

# More than all answers that `report_differences` tells; there may be noise between them.
MOST_BYTES = 32_000_000
# No module of the project's may interfere, nor any of ours with the image's.
_START = (
    "import sys; sys.path[:] = [sys.argv[1], *filter(None, sys.path)]; "
    "from container.report_differences import start; start()"
)
_PROGRAM = Path(__file__).resolve().parent.parent
_NO_PROJECT = "this project does not use DVC"
# Where no project of DVC's was found (dvc/cli/__init__.py).
_NOT_DVC = 253
_KILLED = 128 + signal.SIGKILL
# All that DVC says of files that it could not load (dvc/commands/metrics.py, params.py).
_UNREAD = re.compile(r"failed to load some .* for following revisions: '(.*)'")


class Runs(Protocol):
    """Starts a program without credentials, for as long as there is time.

    What it reads of a program's output is no more than the runner's memory has room for.
    """

    def __call__(self, command: Sequence[str], directory: Path, /) -> Ended:
        """Run it to its end in a directory: its exit code, and what it wrote to stdout."""


@dataclass(frozen=True)
class Value:
    """A metric or a parameter in two commits: any value of JSON, None where it is missing."""

    file: str
    name: str
    old: Any
    new: Any

    @property
    def changed(self) -> bool:
        """Whether it differs; one and true do, NaN and NaN do not.

        >>> nan = float("nan")
        >>> Value("f", "n", nan, nan).changed, Value("f", "n", 1, True).changed
        (False, True)
        """
        return repr(self.old) != repr(self.new) and not (
            _is_number(self.old) and _is_number(self.new) and self.old == self.new
        )


@dataclass(frozen=True)
class Differences:
    """All metrics, or all parameters, of two commits, by file and name.

    `problem` says why they are not known, "" if they are. `unread` are the commits of which DVC
    could not load some. `locked`: some are not what their files say, but what stages had run with.
    """

    values: tuple[Value, ...] = ()
    problem: str = ""
    unread: tuple[str, ...] = ()
    locked: bool = False


@dataclass(frozen=True)
class Comparison:
    """The commits as they were asked for, and what differs."""

    old: str
    new: str
    metrics: Differences
    params: Differences
    plots: Plots


def compare(
    run: Runs,
    project: Path,
    old: str,
    new: str,
    *,
    python: str | None,
    folder: Path,
    dvc: Sequence[str] = ("dvc",),
) -> Comparison:
    """Ask DVC about two commits.

    `python` is one that can import DVC (see `interpreter`); without one the command `dvc` is
    started three times, and knows less of the parameters. The files of plots come into `folder`,
    which outlives the comparison as long as they are wanted.
    """
    if not (project / ".dvc").is_dir():
        return unknown(old, new, _NO_PROJECT)
    words = (str(project.absolute()), old, new, str(folder))
    answers, unanswered = _asked(run, project.absolute().parent, words, python, dvc)
    metrics, params, plots = (
        answers.get(name, unanswered) for name in ("metrics", "params", "plots")
    )
    return Comparison(
        old,
        new,
        _differences(metrics, old, new),
        _with_locked(_differences(params, old, new), answers.get("locked")),
        _plots(plots),
    )


def unknown(old: str, new: str, problem: str) -> Comparison:
    """A comparison that says why there is none."""
    return Comparison(
        old, new, Differences((), problem), Differences((), problem), Plots((), problem)
    )


def _asked(
    run: Runs, directory: Path, words: Sequence[str], python: str | None, dvc: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """DVC's answers by name, and the one that stands for those that are not there."""
    starts = [(sys.executable, dvc)] if python is None else [(python, ()), (sys.executable, dvc)]
    for interpreter, command in starts:
        # From outside the project, whose own modules would stand before the libraries.
        ended = run([interpreter, "-c", _START, str(_PROGRAM), *words, *command], directory)
        found = _told(ended.output)
        if found or ended.late:
            break
    return found, {"problem": _why_silent(ended)}


def _told(output: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in output.decode(errors="replace").splitlines():
        if line.startswith(report_differences.MARK):
            # One that is cut off is no answer.
            with suppress(ValueError, RecursionError):
                found.update(json.loads(line[len(report_differences.MARK) :]))
    return found


def _why_silent(ended: Ended) -> str:
    """Why a question has no answer at all.

    >>> _why_silent(Ended(137))
    'DVC was killed, as where memory runs out'
    """
    if ended.late:
        return "the time for it was over"
    if ended.code == _KILLED:
        return "DVC was killed, as where memory runs out"
    return f"DVC ended with exit code {ended.code}, see the log"


def _plots(answer: Mapping[str, Any]) -> Plots:
    problem = _failure(answer)
    return Plots(problem=problem) if problem else read_plots(answer)


def _differences(answer: Mapping[str, Any], old: str, new: str) -> Differences:
    problem = _failure(answer)
    if problem:
        return Differences(problem=problem)
    try:
        found = json.loads(answer["text"])
        values = [
            Value(str(file), str(name), value["old"], value["new"])
            for file, names in found.items()
            for name, value in names.items()
        ]
    except (ValueError, RecursionError):
        return Differences(problem=NOT_JSON)
    except (AttributeError, LookupError, TypeError):
        return Differences(problem=OTHER_FORM)
    named = _UNREAD.search(answer["said"])
    unread = named[1].split(", ") if named else []
    return Differences(_sorted(values), unread=tuple(one for one in (old, new) if one in unread))


def _failure(answer: Mapping[str, Any]) -> str:
    """Why DVC has not answered, "" if it has."""
    if "problem" in answer:
        return str(answer["problem"])
    code = answer["code"]
    if code == _NOT_DVC:
        return _NO_PROJECT
    return _last_words(code, answer["said"]) if code else ""


def _last_words(code: int, said: str) -> str:
    """Why DVC failed, as it says it.

    >>> _last_words(255, "ERROR: unknown Git revision 'abc'")
    "DVC says: unknown Git revision 'abc'"
    """
    errors = [line[7:] for line in said.splitlines() if line.startswith("ERROR: ")]
    return f"DVC says: {errors[-1]}" if errors else f"DVC ended with exit code {code}, see the log"


def _with_locked(params: Differences, locked: Any) -> Differences:
    """Let the parameters be those that the stages had run with, where `dvc.lock` says so."""
    if not locked or "problem" in locked or params.problem:
        return params
    ran = report_params.RanWith.of(locked["old"], locked["new"])
    values = tuple(
        Value(value.file, value.name, *ran.pair(value.file, value.name, value.old, value.new))
        for value in params.values
    )
    return replace(params, values=values, locked=values != params.values)


def _sorted(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(sorted(values, key=lambda value: (value.file, value.name)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
