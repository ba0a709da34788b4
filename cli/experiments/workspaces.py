"""The workspace of a queued experiment as a commit of its own, and what that does not hold."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import yaml

from cli.experiments.git import Git
from cli.experiments.packed import FILE, FOLDER, unpack, words
from cli.experiments.queued import Queued

# Git LFS's specification, "The Pointer" (github.com/git-lfs/git-lfs)
_POINTER = b"version https://git-lfs.github.com/spec/"


def options(git: Git, experiment: Queued) -> list[str]:
    """What is to be typed after `dvc exp run` for it.

    Raises:
        click.ClickException: that cannot be told, or means nothing in a job.

    """
    if experiment.name.startswith("-"):
        message = (
            f"{experiment.name} begins with a dash, which `dvc exp run --name` would take for an "
            "option: queue it again under another name"
        )
        raise click.ClickException(message)
    packed = git.content(f"{experiment.stash}:{FILE}")
    if packed is None:
        message = (
            f"{experiment.name} has no {FILE}: a job runs DVC at the top of the repository, so "
            "that is where `dvc init` belongs"
        )
        raise click.ClickException(message)
    try:
        typed = words(unpack(packed))
    except click.ClickException as error:
        message = f"{experiment.name}: {error.message}"
        raise click.ClickException(message) from error
    # Composed once already, when it was queued: again would undo what was set then.
    config = git.content(f"{experiment.stash}:.dvc/config") or b""
    hydra = ["--no-hydra"] if b"hydra" in config else []
    said = ["--message", experiment.message] if experiment.message else []
    return ["--name", experiment.name, *hydra, *said, *typed]


def commit(git: Git, experiment: Queued) -> str:
    """Its workspace as a commit on the baseline, without what DVC keeps for itself.

    The same each time, to the second: author and date are the stash's. `git` is a scratch one.
    """
    git.ask("read-tree", f"{experiment.stash}^{{tree}}")
    internal = git.names("ls-files", "-z", "--cached", "--", FOLDER)
    git.ask(
        "update-index", "-z", "--force-remove", "--stdin", text="".join(f"{n}\0" for n in internal)
    )
    tree = git.ask("write-tree")
    name, email, date = git.ask(
        "log", "-1", "--no-show-signature", "--date=raw", "--format=%an%n%ae%n%ad", experiment.stash
    ).split("\n")
    somebody = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email), ("DATE", date))
    }
    message = f"Workspace of the experiment {experiment.name}\n"
    return git.given(**somebody).ask("commit-tree", tree, "-p", experiment.baseline, text=message)


def changed(git: Git, experiment: Queued) -> list[str]:
    """The files in which it differs from its baseline."""
    compared = ("diff-tree", "-r", "-z", "--name-only", "--no-renames")
    names = git.names(*compared, experiment.baseline, experiment.stash)
    return [name for name in names if not name.startswith(f"{FOLDER}/")]


def pointers(git: Git, experiment: Queued, names: Sequence[str]) -> list[str]:
    """Those of some files that hold no content, but say where Git LFS keeps it."""
    attributes = git.content(f"{experiment.stash}:.gitattributes") or b""
    if b"filter=lfs" not in attributes:
        return []
    contents = ((name, git.content(f"{experiment.stash}:{name}") or b"") for name in names)
    return [name for name, content in contents if content.startswith(_POINTER)]


def untracked(git: Git) -> list[str]:
    """The files of the working copy that git neither tracks nor ignores: DVC stashes none."""
    return git.names("ls-files", "-z", "--others", "--exclude-standard")


def lacking(git: Git, experiment: Queued, outside: Sequence[str]) -> list[str]:
    """What its stages name as a dependency and git does not track; `outside` is untracked."""
    tracked = set(git.names("ls-tree", "-r", "-z", "--name-only", experiment.stash))
    left = [name for name in outside if name not in tracked]
    needed = set(experiment.copy_paths)
    for file in (name for name in tracked if posixpath.basename(name) == "dvc.yaml"):
        pipeline = git.content(f"{experiment.stash}:{file}") or b""
        for path in dependencies(pipeline, posixpath.dirname(file)):
            needed |= {name for name in left if name == path or name.startswith(f"{path}/")}
    return sorted(needed)


def dependencies(pipeline: bytes, folder: str) -> Iterator[str]:
    """The paths that a `dvc.yaml` in `folder` names as dependencies, templates left out.

    >>> pipeline = b"stages: {a: {wdir: src, deps: [x.py, '${y}'], params: [p.yaml: ]}}"
    >>> list(dependencies(pipeline, "sub"))
    ['sub/src/x.py', 'sub/src/p.yaml']
    """
    try:
        read = yaml.safe_load(pipeline)
    except (yaml.YAMLError, ValueError):
        return  # which DVC says better
    stages = read.get("stages") if isinstance(read, dict) else None
    for stage in stages.values() if isinstance(stages, dict) else ():
        for path in _named(stage.get("do", stage) if isinstance(stage, dict) else {}):
            if "${" not in path:
                yield posixpath.normpath(posixpath.join(folder, path))


def _named(stage: Mapping[str, Any]) -> Iterator[str]:
    base = stage.get("wdir", "") if isinstance(stage, dict) else ""
    if not isinstance(base, str):
        return
    for one in stage.get("deps") or ():
        yield posixpath.join(base, str(one))
    for one in stage.get("params") or ():
        if isinstance(one, dict):
            yield from (posixpath.join(base, str(file)) for file in one)
