"""Running DVC, 3.67 and newer, in the job's clone."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from container import dvc_program, interpreter, named, saving
from container.dvc_config import configure
from container.dvc_program import Program
from container.exits import Exit, JobFailed
from container.git import identity
from container.log import say
from container.named import Named
from container.processes import Children, Ended
from container.settings import Settings

_TRACKING = "experiment"
_NO_REMOTE = "this project has no DVC remote, so its data ends with this job: dvc remote add -d …"
# Mistakes in the command line, of argparse and of DVC (dvc/cli/__init__.py).
BAD_COMMAND_LINE = 254


@dataclass(frozen=True)
class Needs:
    """What `needs` has found. Where it could not look, nothing is known."""

    known: bool
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    missing: Sequence[str] = ()
    remote: bool = True
    tracking: bool = False


class Dvc:
    """The project's DVC. Whatever runs through it, stages above all, gets no credential."""

    def __init__(self, children: Children, directory: Path, settings: Settings) -> None:
        self.environment = {
            "PYTHONUNBUFFERED": "1",  # the log shows a stage's words when it says them
            **os.environ,
            **identity(settings),
            "DVC_NO_ANALYTICS": "1",
        }
        self._program = Program(children, directory, self.environment)
        self._directory = directory
        self._settings = settings
        self.needs = Needs(known=False)
        """As it was before the stages ran."""

    @property
    def used(self) -> bool:
        """Whether the project is one of DVC."""
        return (self._directory / ".dvc").is_dir()

    def prepare(self, workspace: str, repository: str) -> None:
        """Set what a job wants of DVC beside the project's own configuration.

        Raises:
            JobFailed: the image has no DVC, or the shared cache cannot be written to.
        """
        dvc_program.words()
        configure(self._directory, self._settings.cache_dir, workspace, repository)

    def reproduce(self, arguments: Sequence[str], *, experiment: bool, message: str = "") -> int:
        """Run the stages; DVC's exit code.

        With `--pull --allow-missing` DVC fetches the run cache and what a stage that must run
        needs; the data of unchanged stages stays where it is. Where that would mislead it (see
        `needs`), what it must see is pulled first, or all that the asked stages name. Without a
        remote it only warns. `message` is for the experiment's commit, unless the arguments have
        one.
        """
        verb = ["exp", "run"] if experiment else ["repro"]
        say("$ dvc " + " ".join(map(shlex.quote, [*verb, "--pull", *arguments])))
        named = ["--message", message] if message else []
        command = [*verb, "--pull", *named, *arguments]
        code, found = self._look(*command)
        if found.known:
            self.needs = found
            return code
        say("what has changed cannot be told beforehand: pulling all data of the asked stages")
        return self._program.run(*command).code

    def track_experiment(self) -> int:
        """Reproduce the frozen stage `experiment`, and leave it frozen; DVC's exit code."""
        definition = self._directory / "dvc.yaml"
        frozen = definition.read_bytes()
        try:
            self._program.run("unfreeze", "--quiet", _TRACKING, finish=True)
            return self._program.run("repro", "--single-item", "--pull", _TRACKING).code
        finally:
            definition.write_bytes(frozen)

    def look(self) -> Needs:
        """What stands between the project and its stages now."""
        return self._look(finish=True)[1]

    @property
    def can_save(self) -> bool:
        """Whether what stages make can be saved while others run."""
        return interpreter.with_dvc() is not None

    def save(self) -> bool:
        """Bring what stages have made so far to the remote; whether all of it got there.

        May be called while stages run. True as well if there is no remote.
        """
        found = self._save("stages")
        if found and not found["runs"] and found["remote"]:
            say("the DVC remote takes no run cache: nothing is saved before the end of the run")
        elif found and not found["failed"] and found["remote"]:
            say("what is finished is saved")
        return found is not None and not found["failed"]

    def save_last(self) -> bool:
        """The same once nothing runs any more, with DVC's own command if need be."""
        return self.save() if self.can_save else self._push_by_command()

    def push(self) -> bool:
        """Bring data and run cache to the remote; whether all of it got there.

        True as well if the project has no remote, which is said.

        Raises:
            JobFailed: nobody can tell to which remote.
        """
        found = self._save("all")
        if found is None:
            return self._push_by_command()
        if not found["remote"]:
            say(_NO_REMOTE)
        elif not found["default"]:
            raise JobFailed(
                Exit.DATA_NOT_PUSHED,
                "pushing data: the project names DVC remotes, but none is the default: say which "
                "with `dvc remote default NAME`, then rerun",
            )
        return not found["failed"]

    def metrics(self) -> dict[str, Any]:
        """The metrics in the workspace, by file; a file that cannot be read is left out."""
        ended = self._program.run("metrics", "show", "--json", finish=True, read=True)
        try:
            shown = json.loads(ended.output)[""]["data"]
            return {str(file): found["data"] for file, found in shown.items() if "data" in found}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return {}

    def named(self) -> Named:
        """Outputs, cached or not, and what `dvc.yaml` names at its top level, see `named`.

        Where that cannot be asked, plots at the top level are missing.
        """
        ended = self._program.run_ours("named", str(self._directory), finish=True, read=True)
        marked = None if ended is None else _marked(ended, named.MARK)
        if marked is not None:
            return Named(frozenset(marked))
        ended = self._program.run("dag", "--outs", "--dot", finish=True, read=True)
        lines = os.fsdecode(ended.output).splitlines()
        # Each output stands on a line of its own; others tell what depends on what.
        outputs = (line.strip()[1:-2] for line in lines if line.strip().endswith('";'))
        return Named(
            frozenset([*(path for path in outputs if '" -> "' not in path), *self.metrics()])
        )

    def _look(self, *command: str, finish: bool = False) -> tuple[int, Needs]:
        """What `needs` finds, before it is DVC with a command; that one's exit code."""
        answer = self._directory.with_name("needs.json")
        answer.unlink(missing_ok=True)
        ended = self._program.run_ours(
            "needs", str(self._directory), str(answer), *command, finish=finish
        )
        if ended is None or not answer.exists():
            return 1, Needs(known=False)
        found = json.loads(answer.read_text(encoding="utf-8"))
        needs = Needs(
            known=True,
            absent=found["absent"],
            missing=found["missing"],
            remote=found["remote"],
            tracking=found["tracking"],
        )
        return ended.code, needs

    def _push_by_command(self) -> bool:
        if self._program.run("push", "--run-cache", finish=True).code == 0:
            return True
        # The run cache has no place but the default remote; outputs may name another.
        if self._program.run("config", "core.remote", finish=True, read=True).output.strip():
            return False
        if self._program.run("remote", "list", finish=True, read=True).output.strip():
            return self._program.run("push", finish=True).code == 0
        say(_NO_REMOTE)
        return True

    def _save(self, action: str) -> dict[str, Any] | None:
        """What `saving` says; None where it cannot do it."""
        words = (action, str(self._directory))
        ended = self._program.run_ours("saving", *words, finish=True, read=True)
        if ended is None:
            return None
        found: dict[str, Any] | None = _marked(ended, saving.MARK)
        return found


def _marked(ended: Ended, mark: str) -> Any:
    """The JSON that a module of ours has printed behind a mark; None if there is none."""
    _, marked, said = ended.output.decode(errors="replace").rpartition(mark)
    try:
        return json.loads(said) if marked else None
    except ValueError:
        return None  # it was cut off
