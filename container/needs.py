"""What DVC must have at hand before it can tell which stages changed. Runs apart, in DVC's Python.

Beside that, what the runner wants to know of the project: whether it has a stage that tracks
experiments, and after a failure which data was missing.

In a fresh clone all data is missing, and `--allow-missing` takes what is missing for unchanged. So
DVC 3.67.1 skips stages that must run, without a word:

- a stage that never ran and has no dependency in Git;
- a stage that reads a file of a directory that changed (github.com/treeverse/dvc/issues/11099);
- with `--single-item`, and with `--pull` alone too, a stage whose dependency was made anew.

This compares what `dvc.lock` says that a stage has read with what the project holds now.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import PurePath
from typing import Any

MARK = "needs: "
_TRACKING = "experiment"


def main(project: str) -> None:
    """Print `MARK` and JSON.

    - `new`: is there a stage that never ran.
    - `outdated`: outputs that a stage reads and that are not what it has read.
    - `absent`: of those, and of what stages read at all, the data that the workspace lacks.
    - `remote`: does the project say where its data is to go.
    - `tracking`: is there a frozen stage of the name `experiment` in the root's dvc.yaml.
    """
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415 - the image's

    with Repo(project) as repo:
        outputs = {output.fs_path: output for output in repo.index.outs}
        stages = [stage for stage in repo.index.stages if not stage.frozen]
        new = any(not output.hash_info for stage in stages for output in stage.outs)
        read = [dependency for stage in stages for dependency in stage.deps]
        outdated = {found for dependency in read if (found := _outdated(repo, outputs, dependency))}
        absent = {path for path in _sources(repo, outputs) if not os.path.lexists(path)}
        remote = bool(repo.config["remote"])
        tracking = any(
            stage.frozen
            and (stage.path_in_repo, getattr(stage, "name", "")) == ("dvc.yaml", _TRACKING)
            for stage in repo.index.stages
        )
    # Targets that look like a stage's name and others that do not must not stand side by side:
    # github.com/treeverse/dvc/issues/11075. None of these does.
    paths = {"outdated": _listed(outdated, project), "absent": _listed(absent, project)}
    print(MARK + json.dumps({"new": new, "remote": remote, "tracking": tracking, **paths}))


def _listed(paths: set[str], project: str) -> list[str]:
    return sorted(f"./{os.path.relpath(path, project)}" for path in paths)


def _sources(repo: Any, outputs: dict[str, Any]) -> set[str]:
    """The data that no stage makes (`dvc add`, `dvc import`) and that a stage reads."""
    added = {path: output for path, output in outputs.items() if output.stage.is_data_source}
    return {
        holder
        for stage in repo.index.stages
        for dependency in stage.deps
        for holder in map(
            str, (PurePath(dependency.fs_path), *PurePath(dependency.fs_path).parents)
        )
        if holder in added
    }


def _outdated(repo: Any, outputs: dict[str, Any], dependency: Any) -> str | None:
    """The output that holds a dependency, if with another content than the stage has read."""
    path = PurePath(dependency.fs_path)
    for holder in map(str, (path, *path.parents)):
        if holder in outputs:
            if not outputs[holder].hash_info:
                return None  # never made, so there is nothing to bring
            read = dependency.hash_info and dependency.hash_info.value
            now = _now(repo, outputs[holder], os.path.relpath(path, repo.root_dir))
            return holder if not now or now != read else None
    return None


def _now(repo: Any, output: Any, path: str) -> str | None:
    if PurePath(output.fs_path) == PurePath(repo.root_dir, path):
        return str(output.hash_info.value)
    # The directory's listing is fetched if need be. A folder in it has no hash of its own.
    found: str | None = repo.dvcfs.info(repo.dvcfs.from_os_path(path)).get("md5")
    return found


def _say(kind: type[BaseException], error: BaseException, _: object) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.excepthook = _say  # the job goes on without an answer: one line tells why
    main(sys.argv[1])
