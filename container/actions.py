"""What the default scripts of the runner do, for a project's own script that calls them.

    job-run.sh [ARGUMENT…]             run DVC as the job would, with these arguments behind its own
    diff-report.sh BASE HEAD [--all]   print what differs between two commits, in Markdown

Both work in the current directory and know no credentials.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from container import compute, interpreter, parameters, scripts
from container.comparison import MOST_BYTES, compare
from container.dvc import Dvc
from container.exits import Exit, JobFailed
from container.processes import Children, Ended
from container.report import difference_markdown
from container.settings import Settings


def act(action: str, arguments: Sequence[str]) -> int:
    """The exit code of an action of `scripts.ACTIONS`: DVC's own, or one of `exits`."""
    try:
        settings = Settings.read(os.environ)
        dvc = Dvc(Children(), Path.cwd(), settings)
        if action == scripts.ACTIONS[scripts.RUN]:
            wanted = [*_arguments(settings), *arguments]
            return dvc.reproduce(wanted, experiment=settings.experiment)
        old, new = _revisions(arguments)
    except JobFailed as failed:
        print(failed, file=sys.stderr)
        return failed.code
    print(_difference(Path.cwd(), old, new, everything="--all" in arguments))
    return Exit.DONE


def _arguments(settings: Settings) -> Sequence[str]:
    """The run's own arguments, with the parameters in front where it is a point of a sweep."""
    if settings.point is None or settings.command:
        return compute.arguments_of(settings)
    found = json.loads(os.environ.get(f"{settings.prefix}_POINT", "{}"))
    return parameters.words_of(settings, settings.point.name, found)


def _revisions(arguments: Sequence[str]) -> tuple[str, str]:
    revisions = [argument for argument in arguments if argument != "--all"]
    if len(revisions) != 2 or any(revision.startswith("-") for revision in revisions):
        raise JobFailed(Exit.BAD_ARGUMENTS, f"usage: {scripts.REPORT} BASE HEAD [--all]")
    return revisions[0], revisions[1]


def _difference(project: Path, old: str, new: str, *, everything: bool) -> str:
    def run(command: Sequence[str], directory: Path) -> Ended:
        return Children().run(
            command, directory=directory, environment=os.environ, read=True, most=MOST_BYTES
        )

    with tempfile.TemporaryDirectory() as folder:
        found = compare(run, project, old, new, python=interpreter.with_dvc(), folder=Path(folder))
        return difference_markdown(found, everything=everything)
