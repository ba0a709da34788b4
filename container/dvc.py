"""Running DVC, 3.67 and newer, in the job's clone."""

from __future__ import annotations

import json
import os
import pkgutil
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from container.exits import Exit, JobFailed
from container.git import identity
from container.log import say
from container.needs import MARK
from container.processes import Children, Ended
from container.settings import Settings

# `check_update` would leave a process behind that asks the internet for newer versions.
_LOCAL_CONFIG = "[core]\n    check_update = false\n    analytics = false\n"


@dataclass(frozen=True)
class Outputs:
    """The outputs in a project's graph, as the lines that `dvc dag --outs --dot` prints."""

    lines: frozenset[str]

    def __contains__(self, path: str) -> bool:
        """Whether a file is an output, or in one.

        >>> outputs = Outputs(frozenset(['"plots";', '"plots" -> "metrics.json";']))
        >>> "plots/roc.csv" in outputs, "metrics.json" in outputs
        (True, False)
        """
        parts = (path, *map(str, PurePosixPath(path).parents))
        return any(f'"{part}";' in self.lines for part in parts)


class Dvc:
    """The project's DVC. Whatever runs through it, stages above all, gets no credential."""

    def __init__(self, children: Children, directory: Path, settings: Settings) -> None:
        self._children = children
        self._directory = directory
        self._environment = {
            "PYTHONUNBUFFERED": "1",  # the log shows a stage's words when it says them
            **os.environ,
            **identity(settings),
            "DVC_NO_ANALYTICS": "1",
        }
        self._program = _program()

    def prepare(self) -> None:
        """Set what a job wants of DVC beside the project's own configuration."""
        config = self._directory / ".dvc" / "config.local"
        if config.parent.is_dir() and not config.exists():
            config.write_text(_LOCAL_CONFIG, encoding="utf-8")

    def reproduce(self, arguments: Sequence[str], *, experiment: bool) -> int:
        """Run the stages; DVC's exit code.

        With `--pull --allow-missing` DVC fetches the run cache and what a stage that must run
        needs; the data of unchanged stages stays where it is. Where that would mislead it (see
        `needs`), what it must see is pulled first, or all that the asked stages name. Without a
        remote it only warns.
        """
        verb = ["exp", "run"] if experiment else ["repro"]
        missing = ["--allow-missing"] if self._can_miss_data() else []
        command = [*verb, "--pull", *missing, *arguments]
        say("$ dvc " + " ".join(map(shlex.quote, command)))
        return self._run(*command).code

    def push(self) -> bool:
        """Bring data and run cache to the remote; whether all of it got there.

        True as well if the project has no remote, which is said.
        """
        if self._run("push", "--run-cache", finish=True).code == 0:
            return True
        # The run cache has no place but the default remote; outputs may name another.
        if self._run("config", "core.remote", finish=True, read=True).output.strip():
            return False
        if self._run("remote", "list", finish=True, read=True).output.strip():
            return self._run("push", finish=True).code == 0
        say("this project has no DVC remote, so its data ends with this job: dvc remote add -d …")
        return True

    def outputs(self) -> Outputs:
        """What the project's stages and .dvc files name as outputs, cached or not."""
        ended = self._run("dag", "--outs", "--dot", finish=True, read=True)
        return Outputs(frozenset(os.fsdecode(ended.output).splitlines()))

    def metrics_diff(self, old: str, new: str) -> str:
        """The metrics that differ between two commits, as a Markdown table; "" if none do."""
        ended = self._run("metrics", "diff", "--md", old, new, finish=True, read=True)
        table = ended.output.decode(errors="replace").strip()
        # Heading and rule are there even for nothing.
        return table if ended.code == 0 and len(table.splitlines()) > 2 else ""

    def _can_miss_data(self) -> bool:
        """Bring what DVC must see to know what changed; whether it may take the rest as it is."""
        source = pkgutil.get_data("container", "needs.py") or b""
        python = [sys.executable, "-c", source.decode(), str(self._directory)]
        # From outside the project, whose own modules would stand before the libraries.
        ended = self._start(python, directory=self._directory.parent, read=True)
        found = ended.output.decode(errors="replace").rpartition(MARK)[2]
        if not found.startswith("{"):
            say("what has changed cannot be told beforehand: pulling all data of the asked stages")
            return False
        needs = json.loads(found)
        if needs["outdated"] and self._run("pull", *needs["outdated"]).code:
            return False
        return not needs["new"]

    def _run(self, *arguments: str, finish: bool = False, read: bool = False) -> Ended:
        return self._start([*self._program, *arguments], finish=finish, read=read)

    def _start(
        self,
        command: Sequence[str],
        *,
        directory: Path | None = None,
        finish: bool = False,
        read: bool = False,
    ) -> Ended:
        return self._children.run(
            command,
            directory=directory or self._directory,
            environment=self._environment,
            finish=finish,
            read=read,
        )


def _program() -> list[str]:
    on_path = shutil.which("dvc")
    if on_path:
        return [on_path]
    beside = Path(sys.executable).with_name("dvc")
    if beside.exists():
        return [str(beside)]
    raise JobFailed(
        Exit.NO_DVC, "the image has no DVC: add `pip install dvc[s3]` to its Dockerfile"
    )
