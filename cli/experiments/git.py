"""The user's own git, asked in a way that leaves no trace in the working copy.

Whatever has to be written on the way, an index or an object, is written to a scratch directory:
git reads the repository's objects beside its own (git(1), GIT_ALTERNATE_OBJECT_DIRECTORIES).
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

_SECONDS = 60
# Somebody may have to type a passphrase, and a workspace may be large.
_NETWORK_SECONDS = 900
# Settings with which git would write beside the index that it is given, or watch the folder.
_PLAIN = ("core.splitIndex=false", "index.sparse=false", "core.fsmonitor=false", "gc.auto=0")


@dataclass(frozen=True)
class Git:
    """Git in a working copy; `environment` is added to that of this process."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def ask(self, *arguments: str, text: str | None = None) -> str:
        """What a command says, without the last line's end; `text` is its input.

        Raises:
            click.ClickException: it fails, with git's own words.

        """
        done = self._run(arguments, _SECONDS, None if text is None else text.encode())
        if done.returncode:
            raise click.ClickException(_failure(arguments, done))
        return os.fsdecode(done.stdout).rstrip("\n")

    def lines(self, *arguments: str) -> list[str]:
        """The lines that a command says, those that hold nothing left out."""
        return [line for line in self.ask(*arguments).split("\n") if line]

    def names(self, *arguments: str) -> list[str]:
        """What a command with `-z` lists."""
        return [name for name in self.ask(*arguments).split("\0") if name]

    def holds(self, *arguments: str) -> bool:
        """Whether a command that answers by its exit code says yes."""
        return self._run(arguments, _SECONDS).returncode == 0

    def content(self, name: str) -> bytes | None:
        """An object's content, such as `<commit>:<path>`; None where there is none."""
        done = self._run(("cat-file", "blob", name), _SECONDS)
        return done.stdout if done.returncode == 0 else None

    def reach(self, doing: str, *arguments: str) -> str:
        """What a command says that calls the remote, with the user's own credentials.

        Raises:
            click.ClickException: it fails, with git's own words.

        """
        done = self._run(arguments, _NETWORK_SECONDS)
        if done.returncode:
            message = f"{doing}: {_failure(arguments, done)}"
            raise click.ClickException(message)
        return os.fsdecode(done.stdout)

    @contextmanager
    def scratch(self) -> Iterator["Git"]:
        """The same git, whose index and new objects go to a directory that ends with the block."""
        objects = Path(self.root, self.ask("rev-parse", "--git-path", "objects")).resolve()
        beside = [str(objects), os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")]
        with tempfile.TemporaryDirectory(prefix="cloud-runner-") as folder:
            elsewhere = {
                "GIT_INDEX_FILE": f"{folder}/index",
                "GIT_OBJECT_DIRECTORY": f"{folder}/objects",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(filter(None, beside)),
            }
            Path(folder, "objects").mkdir()
            yield Git(self.root, {**self.environment, **elsewhere})

    def given(self, **environment: str) -> "Git":
        """The same git with more in its environment."""
        return Git(self.root, {**self.environment, **environment})

    def _run(
        self, arguments: tuple[str, ...], seconds: float, text: bytes | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        settings = [word for setting in _PLAIN for word in ("-c", setting)]
        try:
            return subprocess.run(
                ["git", *settings, *arguments],
                cwd=self.root,
                # Without it git would refresh the index on the way (git(1)).
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", **self.environment},
                input=b"" if text is None else text,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as error:
            message = "there is no git: install it, so that it is on your PATH"
            raise click.ClickException(message) from error
        except subprocess.TimeoutExpired as error:
            message = f"git {arguments[0]} did not end within {seconds:g} s"
            raise click.ClickException(message) from error


def _failure(arguments: tuple[str, ...], done: "subprocess.CompletedProcess[bytes]") -> str:
    said = " ".join(done.stderr.decode(errors="replace").split())
    return f"git {arguments[0]}: {said or f'exit code {done.returncode}'}"
