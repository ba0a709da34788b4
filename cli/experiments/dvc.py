"""The user's own DVC."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

_SECONDS = 120
# To fetch the data of large experiments takes as long as it takes; DVC's remotes have their own.
_PULL_SECONDS = 24 * 3600
_STANDARD_ERROR = 2  # as a file descriptor


@dataclass(frozen=True)
class Dvc:
    """DVC 3 in a working copy."""

    root: Path
    program: Sequence[str]

    @classmethod
    def find(cls, root: Path) -> "Dvc":
        """The one on PATH, else that of the active virtual environment.

        Raises:
            click.ClickException: there is none, or not of version 3.

        """
        dvc = cls(root, _program())
        said = dvc._run(["--version"], _SECONDS).stdout.decode(errors="replace").strip()
        if not re.match(r"3\.[0-9]", said):
            message = (
                f"{dvc.program[0]} is DVC {said or '?'}: this needs DVC 3, pip install 'dvc>=3'"
            )
            raise click.ClickException(message)
        return dvc

    def dequeue(self, stashes: Sequence[str]) -> None:
        """Take experiments out of the queue.

        Raises:
            click.ClickException: DVC refuses.

        """
        done = self._run(["queue", "remove", *stashes], _SECONDS)
        if done.returncode:
            said = " ".join(done.stderr.decode(errors="replace").split())
            message = f"sent, but still queued here: dvc queue remove: {said}"
            raise click.ClickException(message)

    def pull(self, remote: str, refs: Sequence[str], *, data: bool) -> bool:
        """Bring experiments from a git remote; whether all of it came. DVC says what it does."""
        options = [] if data else ["--no-cache"]
        command = ["exp", "pull", *options, remote, *refs]
        return self._run(command, _PULL_SECONDS, shown=True).returncode == 0

    def _run(
        self, arguments: Sequence[str], seconds: float, *, shown: bool = False
    ) -> "subprocess.CompletedProcess[bytes]":
        # What it says goes beside our own answer, which may be JSON.
        out = _STANDARD_ERROR if shown else subprocess.PIPE
        try:
            return subprocess.run(
                [*self.program, *arguments],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                timeout=seconds,
                check=False,
            )
        except OSError as error:
            message = f"{self.program[0]}: {error.strerror}"
            raise click.ClickException(message) from error
        except subprocess.TimeoutExpired as error:
            message = f"dvc {' '.join(arguments[:2])} did not end within {seconds:g} s"
            raise click.ClickException(message) from error


def _program() -> list[str]:
    on_path = shutil.which("dvc")
    if on_path:
        return [on_path]
    active = os.environ.get("VIRTUAL_ENV")
    python = Path(active, "bin", "python") if active else None
    if python is not None and python.exists():
        return [str(python), "-m", "dvc"]
    message = "there is no dvc on your PATH: activate the environment that has it, or install it"
    raise click.ClickException(message)
