"""The experiments that DVC has queued in a working copy, read without DVC and without a trace.

`dvc exp run --queue` keeps each as a commit in the reflog of a ref of its own, whose message names
what it was made from (DVC 3: dvc/repo/experiments/stash.py, MESSAGE_FORMAT). What is in the reflog
waits; a worker takes out what it starts, `dvc queue remove` what it removes. Two options are in the
message to the worker alone: a JSON file of Celery's (dvc_task/app/filesystem.py).
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cli.experiments.git import Git

STASH = "refs/exps/celery/stash"
_MESSAGES = ".dvc/tmp/exps/celery/broker/in"
_ENTRY = re.compile(
    r"commit: dvc-exp:[0-9a-f]+:(?P<baseline>[0-9a-f]+):(?P<name>[^:]*)(?::(?P<branch>.+))?"
)
# A message holds some hundred bytes; this is more than any list of paths.
_LARGEST_MESSAGE = 1 << 20


@dataclass(frozen=True)
class Queued:
    """A queued experiment: `stash` is the commit that holds its workspace.

    `message` is to be its commit's, None for DVC's own. `copy_paths` are files outside of git that
    DVC would copy into the directory of the experiment.
    """

    name: str
    stash: str
    baseline: str
    message: str | None = None
    copy_paths: tuple[str, ...] = ()


def queued(git: Git) -> list[Queued]:
    """What waits in the queue, the oldest first.

    Raises:
        click.ClickException: git refuses, or one continues a branch, as DVC 2 could do.

    """
    if not git.holds("rev-parse", "--verify", "--quiet", STASH):
        return []
    listed = git.lines("log", "--walk-reflogs", "--no-show-signature", "--format=%H %gs", STASH)
    told = _told(git.root / _MESSAGES)
    found = []
    for line in reversed(listed):
        stash, _, entry = line.partition(" ")
        match = _ENTRY.fullmatch(entry)
        if match is None:
            continue  # DVC passes over it as well
        if match["branch"]:
            message = f"{match['name']} continues an experiment, which DVC 3 does not do: remove it"
            raise click.ClickException(message)
        options = told.get(stash, {})
        found.append(
            Queued(
                name=match["name"] or stash[:7],
                stash=stash,
                baseline=match["baseline"],
                message=options.get("message") or None,
                copy_paths=tuple(options.get("copy_paths") or ()),
            )
        )
    return found


def named(experiments: Sequence[Queued], names: Sequence[str]) -> list[Queued]:
    """Those of these names or beginnings of revisions, in the queue's order; all without any.

    Raises:
        click.ClickException: there is none of a name, or several.

    """
    chosen = [one for name in names for one in [_named(experiments, name)]]
    return [one for one in experiments if not names or one in chosen]


def _named(experiments: Sequence[Queued], name: str) -> Queued:
    found = [one for one in experiments if one.name == name] or [
        one for one in experiments if len(name) >= 4 and one.stash.startswith(name.lower())
    ]
    if not found:
        message = f"no experiment {name} is queued here: dvc queue status lists those that are"
        raise click.ClickException(message)
    if len(found) > 1:
        stashes = ", ".join(one.stash[:7] for one in found)
        message = f"several queued experiments are called {name}: name one as {stashes}"
        raise click.ClickException(message)
    return found[0]


def _told(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """What the worker will be told of each stash: DVC's options `copy_paths` and `message`."""
    told: dict[str, Mapping[str, Any]] = {}
    for file in sorted(folder.glob("*.msg")):
        found = _message(file)
        if found is not None:
            told[found[0]] = found[1]
    return told


def _message(file: Path) -> tuple[str, Mapping[str, Any]] | None:
    """The stash and the options in a message; None where it is about something else."""
    try:
        with file.open("rb") as opened:
            body = json.loads(opened.read(_LARGEST_MESSAGE))["body"]
        arguments, options, _ = json.loads(base64.b64decode(body))
        stash = options.get("entry_dict", arguments and arguments[0])["stash_rev"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None  # a worker took it just now, or it is no experiment
    return str(stash), options
