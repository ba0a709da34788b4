"""Asks DVC what differs between two commits. Runs apart, in DVC's Python: one start, all answers.

Three questions are those of its command line. The fourth it does not answer there: with which
parameters the stages had run whose results each commit holds. `dvc params diff` compares the
parameter files alone, and whoever asks for a run has changed them in the commit before already.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

MARK = "differences: "
# Of what DVC says beside an answer, its last words tell why there is none.
_LAST_WORDS = 4000


def commands(old: str, new: str, folder: str) -> dict[str, list[str]]:
    """The three questions, as arguments of `dvc`; `folder` gets the files of plots that are images.

    With `--all`, so that no metric at all and none that changed are different answers.
    """
    return {
        "metrics": ["metrics", "diff", "--json", "--all", old, new],
        "params": ["params", "diff", "--json", "--all", old, new],
        "plots": ["plots", "diff", "--json", "--out", folder, old, new],
    }


def main(project: str, old: str, new: str, folder: str) -> None:
    """Print `MARK` and JSON.

    - `metrics`, `params`, `plots`: {"code": exit code, "text": stdout, "said": stderr}.
    - `locked`: {"old", "new"}: pairs of a parameter file and what a stage has read of it; null if
      DVC cannot tell.
    """
    os.chdir(project)
    os.environ["CI"] = "1"  # then DVC asks nobody for a newer version (dvc/updater.py)
    said, text = io.StringIO(), io.StringIO()
    # DVC keeps the streams that it finds first.
    with redirect_stderr(said), redirect_stdout(text):
        from dvc.cli import main as dvc  # type: ignore[import-not-found]  # noqa: PLC0415

        found = {}
        for name, words in commands(old, new, folder).items():
            code = dvc(words)
            found[name] = {"code": code, "text": _taken(text), "said": _taken(said)[-_LAST_WORDS:]}
        try:
            locked = {"old": _locked(old), "new": _locked(new)}
        except Exception:  # noqa: BLE001 - a plus of the report, whatever hinders DVC to tell it
            locked = None
    print(MARK + json.dumps({**found, "locked": locked}))


def _taken(stream: io.StringIO) -> str:
    text = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return text


def _locked(revision: str) -> list[tuple[str, Any]]:
    from dvc.dependency import ParamsDependency  # type: ignore[import-not-found]  # noqa: PLC0415
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415

    with Repo() as repo, repo.switch(revision):
        return [
            (os.path.relpath(dependency.fs_path, repo.root_dir), dependency.hash_info.value)
            for stage in repo.index.stages
            for dependency in stage.deps
            if isinstance(dependency, ParamsDependency) and dependency.hash_info.value
        ]


def _say(kind: type[BaseException], error: BaseException, _: object) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.path = [folder for folder in sys.path if folder]  # no module of the project's may interfere
    sys.excepthook = _say  # one line tells why, and the report does with less
    main(*sys.argv[1:5])
