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
from pathlib import Path, PurePath
from typing import Any

_TRACKING = "experiment"
_PULL, _MISSING = "--pull", "--allow-missing"


def main(project: str, answer: str, *command: str) -> int:
    """Write what is found to a file, then be DVC with a command; its exit code, 0 without one.

    Both in one process, since it takes DVC half a second to start. The file holds JSON:

    - `outdated`: outputs that a stage reads and that are not what it has read.
    - `new`: is there a stage that never ran.
    - `absent`: for each stage what it reads that no stage makes and that the workspace lacks.
    - `strict`: has a stage an output that Git does not hold and DVC cannot bring.
    - `remote`: does the project say where its data is to go.
    - `tracking`: is there a frozen stage of the name `experiment` in the root's dvc.yaml.
    """
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415 - the image's

    os.chdir(project)  # stages have the names then that DVC calls them by
    with Repo() as repo:
        found = _look(repo, project)
    Path(answer).write_text(json.dumps(found), encoding="utf-8")
    return _run(found, list(command)) if command else 0


def _look(repo: Any, project: str) -> dict[str, Any]:
    outputs = {output.fs_path: output for output in repo.index.outs}
    stages = [stage for stage in repo.index.stages if not stage.frozen]
    read = [dependency for stage in stages for dependency in stage.deps]
    outdated = {found for dependency in read if (found := _outdated(repo, outputs, dependency))}
    absent = {
        stage.addressing: _listed(_sources(stage, outputs), project) for stage in repo.index.stages
    }
    return {
        # Targets that look like a stage's name and others that do not must not stand side by side:
        # github.com/treeverse/dvc/issues/11075. None of these does.
        "outdated": _listed(outdated, project),
        "new": any(not output.hash_info for stage in stages for output in stage.outs),
        "absent": {name: paths for name, paths in absent.items() if paths},
        "strict": any(_lost(output) for stage in stages for output in stage.outs),
        "remote": bool(repo.config["remote"]),
        "tracking": any(
            stage.frozen
            and (stage.path_in_repo, getattr(stage, "name", "")) == ("dvc.yaml", _TRACKING)
            for stage in repo.index.stages
        ),
    }


def _run(found: dict[str, Any], command: list[str]) -> int:
    """Run a DVC command whose `--pull` may be followed by `--allow-missing`."""
    from dvc.cli import main as dvc  # type: ignore[import-not-found]  # noqa: PLC0415

    sys.argv = ["dvc", *command]
    if found["strict"]:
        dvc(["pull", "--run-cache"])  # what cannot be had, the stages make anew
        command.remove(_PULL)
        return int(dvc(command))
    pulled = not found["outdated"] or dvc(["pull", *found["outdated"]]) == 0
    if pulled and not found["new"]:
        command.insert(command.index(_PULL) + 1, _MISSING)
    code: int = dvc(command)
    return code


def _listed(paths: set[str], project: str) -> list[str]:
    return sorted(f"./{os.path.relpath(path, project)}" for path in paths)


def _sources(stage: Any, outputs: dict[str, Any]) -> set[str]:
    """The data of a stage that no stage makes (`dvc add`, `dvc import`) and that is not here."""
    if stage.is_data_source:  # DVC says that this has failed, not who wants it
        return {output.fs_path for output in stage.outs if not os.path.lexists(output.fs_path)}
    return {
        holder
        for dependency in stage.deps
        for path in (PurePath(dependency.fs_path),)
        for holder in map(str, (path, *path.parents))
        if holder in outputs
        and outputs[holder].stage.is_data_source
        and not os.path.lexists(holder)
    }


def _lost(output: Any) -> bool:
    """Whether an output is not cached and not here, and only its stage can bring it.

    With `--pull` DVC (3.67.1, Stage.reproduce) takes such a stage for unchanged, unless it has
    never run and depends on something.
    """
    here = output.use_cache or os.path.lexists(output.fs_path)
    return not here and bool(output.hash_info or not output.stage.deps)


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
    sys.path = [folder for folder in sys.path if folder]  # no module of the project's may interfere
    sys.excepthook = _say  # the job goes on without an answer: one line tells why
    sys.exit(main(*sys.argv[1:]))
