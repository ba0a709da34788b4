"""What differs between two commits of a DVC project: its metrics, its parameters, its plots.

Each of the three may fail by itself; then it says why, and the others stand.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from container import report_differences, report_params
from container.processes import Ended
from container.report_plots import OTHER_FORM, Plots, read_plots

_NO_PROJECT = "this project does not use DVC"
# Where no project of DVC's was found (dvc/cli/__init__.py).
_NOT_DVC = 253
# All that DVC says of files that it could not load (dvc/commands/metrics.py, params.py).
_UNREAD = re.compile(r"failed to load some .* for following revisions: '(.*)'")


class Runs(Protocol):
    """Starts a program without credentials."""

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
    started three times, and knows less of the parameters. The files of plots that are images come
    into `folder`, which outlives the comparison as long as they are wanted.
    """
    if not (project / ".dvc").is_dir():
        unknown = Differences(problem=_NO_PROJECT)
        return Comparison(old, new, unknown, unknown, Plots(problem=_NO_PROJECT))
    answers = None if python is None else _at_once(run, project, (old, new, str(folder)), python)
    if answers is None:
        answers = _one_by_one(run, project, report_differences.commands(old, new, str(folder)), dvc)
    params = _with_locked(_differences(answers["params"], old, new), answers.get("locked"))
    plots, problem = _parsed(answers["plots"])
    return Comparison(
        old,
        new,
        _differences(answers["metrics"], old, new),
        params,
        Plots(problem=problem) if problem else read_plots(plots, old, new, folder),
    )


def _at_once(
    run: Runs, project: Path, words: tuple[str, str, str], python: str
) -> dict[str, Any] | None:
    source = pkgutil.get_data("container", "report_differences.py") or b""
    # From outside the project, whose own modules would stand before the libraries.
    command = [python, "-c", source.decode(), str(project.absolute()), *words]
    said = run(command, project.absolute().parent).output.decode(errors="replace")
    _, mark, answer = said.rpartition(report_differences.MARK)
    try:
        found: dict[str, Any] | None = json.loads(answer) if mark else None
    except (ValueError, RecursionError):
        return None
    return found


def _one_by_one(
    run: Runs, project: Path, questions: Mapping[str, Sequence[str]], dvc: Sequence[str]
) -> dict[str, Any]:
    found = {}
    for name, words in questions.items():
        ended = run([*dvc, *words], project)
        text = ended.output.decode(errors="replace")
        found[name] = {"code": ended.code, "text": text, "said": ""}
    return found


def _differences(answer: Mapping[str, Any], old: str, new: str) -> Differences:
    found, problem = _parsed(answer)
    if problem:
        return Differences(problem=problem)
    try:
        values = [
            Value(str(file), str(name), value["old"], value["new"])
            for file, names in found.items()
            for name, value in names.items()
        ]
    except (AttributeError, LookupError, TypeError):
        return Differences(problem=OTHER_FORM)
    named = _UNREAD.search(answer["said"])
    unread = named[1].split(", ") if named else []
    return Differences(_sorted(values), unread=tuple(one for one in (old, new) if one in unread))


def _parsed(answer: Mapping[str, Any]) -> tuple[Any, str]:
    """What DVC answered, and why it did not."""
    code = answer["code"]
    if code:
        return None, _NO_PROJECT if code == _NOT_DVC else _last_words(code, answer["said"])
    try:
        return json.loads(answer["text"]), ""
    except (ValueError, RecursionError):
        return None, "DVC's answer is not JSON"


def _last_words(code: int, said: str) -> str:
    """Why DVC failed, as it says it.

    >>> _last_words(255, "ERROR: unknown Git revision 'abc'")
    "DVC says: unknown Git revision 'abc'"
    """
    errors = [line[7:] for line in said.splitlines() if line.startswith("ERROR: ")]
    return f"DVC says: {errors[-1]}" if errors else f"DVC ended with exit code {code}, see the log"


def _with_locked(params: Differences, locked: Any) -> Differences:
    """Let the parameters be those that the stages had run with, where `dvc.lock` says so."""
    if not locked or params.problem:
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
