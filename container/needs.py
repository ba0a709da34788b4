"""What DVC must have at hand before it can tell which stages changed. Runs apart, in DVC's Python.

Beside that, what the runner wants to know of the project: whether it has a stage that tracks
experiments, and after a failure which data was missing.

In a fresh clone all data is missing, and `--allow-missing` takes what is missing for unchanged. So
DVC 3.67.1 skips stages that must run, without a word:

- a stage that never ran and has no dependency in Git;
- a stage that reads a file of a directory that changed (github.com/treeverse/dvc/issues/11099);
- with `--single-item`, and with `--pull` alone too, a stage whose dependency was made anew.

It runs others on too little:

- a stage that reads a folder where Git has files and DVC has data, on the files alone;
- a stage that goes on from its own last output (`persist: true`), from nothing.

This compares what `dvc.lock` says that a stage has read with what the project holds now.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

_TRACKING = "experiment"
# DVC's code for a command line that it does not take (dvc/cli/__init__.py).
_BAD_COMMAND_LINE = 254
_PULL, _MISSING = "--pull", "--allow-missing"


def main(project: str, answer: str, *command: str) -> int:
    """Write what is found to a file, then be DVC with a command; its exit code, 0 without one.

    Both in one process, since it takes DVC half a second to start. The file holds JSON:

    - `outdated`: outputs that a stage reads and that are not what it has read, or that it reads
      with their folder or goes on from, and that the workspace lacks.
    - `vital`: those of them without which a stage would run on too little, unnoticed.
    - `missing`: those of them that could not be had, so that DVC was not run.
    - `new`: is there a stage that never ran.
    - `absent`: for each stage what it reads that no stage makes and that the workspace lacks.
    - `strict`: has a stage an output that Git does not hold and DVC cannot bring.
    - `remote`: does the project say where its data is to go.
    - `tracking`: is there a frozen stage of the name `experiment` in the root's dvc.yaml.
    """
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415 - the image's

    os.chdir(project)  # stages have the names then that DVC calls them by
    asked = _parsed(command)
    with Repo() as repo:
        found = _look(repo, project, asked)
    if not asked:
        Path(answer).write_text(json.dumps(found), encoding="utf-8")
        return _BAD_COMMAND_LINE if command else 0
    sys.argv = ["dvc", *command]
    pulled = _pull(found)
    found["missing"] = [path for path in found["vital"] if not os.path.lexists(path)]
    Path(answer).write_text(json.dumps(found), encoding="utf-8")
    if found["missing"]:
        return 1
    return _run(list(command), strict=found["strict"], skip=pulled and not found["new"])


def _parsed(command: Sequence[str]) -> Any:
    """What a DVC command asks for; None if it is to run nothing, of which DVC has said all then.

    So it is where DVC does not take it, and with `--help`.
    """
    from dvc.cli import DvcParserError, parse_args  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        return parse_args(list(command)) if command else None
    except (DvcParserError, SystemExit):
        return None


def _look(repo: Any, project: str, asked: Any) -> dict[str, Any]:
    outputs = {output.fs_path: output for output in repo.index.outs}
    stages = [stage for stage in repo.index.stages if not stage.frozen]
    read = [dependency for stage in stages for dependency in _files(stage)]
    outdated = {found for dependency in read if (found := _outdated(repo, outputs, dependency))}
    absent = {
        stage.addressing: _listed(_sources(stage, outputs), project) for stage in repo.index.stages
    }
    remote = bool(repo.config["remote"])
    tracking = [stage for stage in repo.index.stages if _tracks(stage)]
    forced = bool(asked and (asked.force or asked.force_downstream))
    steps, unseen = stages, _unseen(outputs, [*stages, *tracking], forced=forced)
    if unseen:  # else no need for DVC's plan, which takes a second for hundreds of stages
        steps = [stage for stage in _steps(repo, asked) if not stage.frozen]
        unseen = _unseen(outputs, [*steps, *tracking], forced=forced)
    made = {output.fs_path for stage in steps for output in stage.outs if not output.persist}
    lost = {path for path in unseen - made if outputs[path].can_push}
    return {
        # Targets that look like a stage's name and others that do not must not stand side by side:
        # github.com/treeverse/dvc/issues/11075. None of these does.
        "outdated": _listed(outdated | unseen, project),
        "vital": _listed(lost, project) if remote else [],
        "missing": [],
        "new": any(not output.hash_info for stage in stages for output in stage.outs),
        "absent": {name: paths for name, paths in absent.items() if paths},
        "strict": any(_lost(output) for stage in stages for output in stage.outs),
        "remote": remote,
        "tracking": bool(tracking),
    }


def _tracks(stage: Any) -> bool:
    named = (stage.path_in_repo, getattr(stage, "name", "")) == ("dvc.yaml", _TRACKING)
    return named and bool(stage.frozen)


def _steps(repo: Any, asked: Any) -> Iterable[Any]:
    """The stages that DVC looks at for a command, as Repo.reproduce finds them; else all."""
    from dvc.exceptions import DvcException  # type: ignore[import-not-found]  # noqa: PLC0415
    from dvc.repo.reproduce import (  # type: ignore[import-not-found]  # noqa: PLC0415
        collect_stages,
        get_active_graph,
        plan_repro,
    )

    stages: Iterable[Any] = repo.index.stages
    if not asked or asked.all_pipelines:
        return stages
    by_pattern = getattr(asked, "glob", False)  # which `dvc exp run` has not
    try:
        stages = collect_stages(repo, asked.targets or ["dvc.yaml"], asked.recursive, by_pattern)
    except DvcException:
        return stages  # DVC will say so, unless a parameter of the experiment makes them
    if asked.single_item and not asked.pipeline:
        return stages
    graph = get_active_graph(repo.index.graph)
    downstream = asked.downstream and not asked.pipeline
    planned: list[Any] = plan_repro(graph, stages, asked.pipeline, downstream)
    return planned


def _files(stage: Any) -> Iterator[Any]:
    """The dependencies of a stage that have a path; datasets (`ds://…`) have none."""
    return (dependency for dependency in stage.deps if dependency.fs_path)


def _unseen(outputs: dict[str, Any], stages: Iterable[Any], *, forced: bool) -> set[str]:
    """Outputs that are not here, and that DVC lets a stage run without.

    It fetches what a stage depends on if there is nothing in its place (dvc/stage/run.py), but not
    for a stage that is forced to run.
    """
    wanted = {output.fs_path for stage in stages for output in stage.outs if output.persist}
    for path in (dependency.fs_path for stage in stages for dependency in _files(stage)):
        wanted.update(_below(outputs, path))
        wanted.update(_holders(outputs, path) if forced else ())
    return {
        path
        for path in wanted
        if outputs[path].use_cache
        and (outputs[path].hash_info or outputs[path].stage.is_data_source)
        and not os.path.lexists(path)
    }


def _below(outputs: dict[str, Any], folder: str) -> Iterator[str]:
    """The outputs in a folder."""
    return (path for path in outputs if path.startswith(folder + os.sep))


def _holders(outputs: dict[str, Any], path: str) -> Iterator[str]:
    """The output that a path is, or is in."""
    return (held for held in map(str, (PurePath(path), *PurePath(path).parents)) if held in outputs)


def _pull(found: dict[str, Any]) -> bool:
    """Bring what DVC must see; whether all of it came."""
    from dvc.cli import main as dvc  # noqa: PLC0415

    if found["strict"]:  # what cannot be had, the stages make anew
        return bool(dvc(["pull", "--run-cache"]) == 0)
    return not found["outdated"] or bool(dvc(["pull", *found["outdated"]]) == 0)


def _run(command: list[str], *, strict: bool, skip: bool) -> int:
    """Be DVC with a command that has `--pull`.

    `strict`: without that. `skip`: what is missing is unchanged.
    """
    from dvc.cli import main as dvc  # noqa: PLC0415

    if strict:
        command.remove(_PULL)
    elif skip:
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
        held
        for dependency in _files(stage)
        for held in (*_holders(outputs, dependency.fs_path), *_below(outputs, dependency.fs_path))
        if outputs[held].stage.is_data_source and not os.path.lexists(held)
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
    for holder in _holders(outputs, dependency.fs_path):
        if not outputs[holder].hash_info or not outputs[holder].is_in_repo:
            return None  # never made, or outside of what DVC keeps: there is nothing to bring
        read = dependency.hash_info and dependency.hash_info.value
        now = _now(repo, outputs[holder], os.path.relpath(dependency.fs_path, repo.root_dir))
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
