"""The project's folder: where its Dockerfile is, which commit it is at, whose clone it is."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

DOCKERFILE = "Dockerfile"
_GIT_SECONDS = 30


@dataclass(frozen=True)
class Folder:
    """A folder with a project in it, in a git working tree or not."""

    path: Path

    @classmethod
    def of(cls, here: Path) -> "Folder":
        """The folder around `here` that holds a Dockerfile: itself, or its working tree's root."""
        root = _git(here, "rev-parse", "--show-toplevel")
        if not (here / DOCKERFILE).is_file() and root is not None:
            return cls(Path(root))
        return cls(here)

    def commit(self) -> str | None:
        """Twelve digits of the commit, with `-dirty` where files differ; None without git.

        Files that git does not track count as well: a build may copy them.
        """
        commit = _git(self.path, "rev-parse", "--verify", "--quiet", "--short=12", "HEAD")
        if commit is None:
            return None
        return commit if _git(self.path, "status", "--porcelain") == "" else f"{commit}-dirty"

    def is_clone_of_another(self, full_name: str) -> str | None:
        """The repository that this is a clone of, if it is told and is not `full_name`."""
        url = _git(self.path, "remote", "get-url", "origin")
        if url is None:
            return None
        parts = url.removesuffix("/").removesuffix(".git").replace(":", "/").split("/")
        name = "/".join(parts[-2:])
        return None if name.lower() == full_name.lower() else name


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, or None where it has nothing to say or is not there."""
    try:
        said = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return None
    return said.stdout.strip() if said.returncode == 0 else None
