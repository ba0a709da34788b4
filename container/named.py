"""Which files a project names as its results. Runs apart, in DVC's Python.

Outputs of stages and .dvc files are one kind. The other are the metrics, plots and parameters that
`dvc.yaml` names at its top level, and no stage as an output: DVCLive's are such. `dvc exp run`
takes both into an experiment's commit (3.67.1, dvc/repo/experiments/executor/base.py).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath

MARK = "named: "


@dataclass(frozen=True)
class Named:
    """The files and folders that a project names as its results, from its root."""

    paths: frozenset[str]

    def __contains__(self, path: str) -> bool:
        """Whether a file is named, or in a folder that is.

        >>> named = Named(frozenset(["plots", "metrics.json"]))
        >>> "plots/roc.csv" in named, "metrics.json" in named, "plots.md" in named
        (True, True, False)
        """
        return not self.paths.isdisjoint((path, *map(str, PurePosixPath(path).parents)))


def main(project: str) -> None:
    """Print `MARK` and a list as JSON: files and folders, from the project's root."""
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415 - the image's

    os.chdir(project)
    with Repo() as repo:
        index = repo.index
        named = {os.path.relpath(output.fs_path, repo.root_dir) for output in index.outs}
        for keys in (index.metric_keys, index.plot_keys, index.param_keys):
            named.update("/".join(key) for key in keys["repo"] if key)
    print(MARK + json.dumps(sorted(named)))


def _say(kind: type[BaseException], error: BaseException, _: object) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.path = [folder for folder in sys.path if folder]  # no module of the project's may interfere
    sys.excepthook = _say  # the job asks in another way: one line tells why
    main(*sys.argv[1:2])
