"""A repository to speak to Bitbucket from, which nobody but the runner ever touches.

Stages could write the clone's configuration, which can name programs that git starts and a proxy
that it speaks through, and those would get the credentials. So would whoever writes to a repository
between its making and its use: a program that a stage has left running, or another that stands on
the PATH under git's name. So each command gets a repository of its own, made without any program at
the moment when the command is started, and when nobody else runs (see `origin_calls`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from container.git import Git
from container.processes import Children, Ended

# What makes a folder a repository (gitrepository-layout(5)). HEAD is a branch that is never born:
# in a bare repository git-lfs reads `HEAD:.lfsconfig`, and with that whoever has written the commit
# would lead it, and the login, to another repository.
_FILES = {
    "HEAD": "ref: refs/heads/none\n",
    "config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
}


@dataclass(frozen=True)
class Courier:
    """Runs git on the objects of a clone, and on nothing else that is the clone's.

    `tip` is a commit for a branch of its own, without which git-lfs finds nothing to push.
    """

    git: Git
    tip: str = ""

    @property
    def children(self) -> Children:
        """Whoever starts the commands."""
        return self.git.children

    def run(
        self,
        *arguments: str,
        finish: bool = False,
        read: bool = False,
        descriptors: Sequence[int] = (),
    ) -> Ended:
        """One git command in a new repository; as `Git.run`."""
        directory = Path(tempfile.mkdtemp(prefix="courier-", dir=self.git.directory.parent))
        try:
            self._prepare(directory)
            return self.git.beside(directory).run(
                *arguments, finish=finish, read=read, descriptors=descriptors
            )
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _prepare(self, directory: Path) -> None:
        objects = self.git.directory / ".git" / "objects"
        files = {**_FILES, "objects/info/alternates": f"{objects}\n"}
        if self.tip:
            files["refs/heads/result"] = f"{self.tip}\n"
        (directory / "refs" / "heads").mkdir(parents=True)
        (directory / "objects" / "info").mkdir(parents=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
