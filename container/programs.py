"""Where the programs are that a git command with credentials starts, and who could replace them.

Stages run as the same user as the program that runs them. An image may have a folder on its PATH
into which that user may write, such as `~/.local/bin` or an environment of conda's. A `git` that a
stage leaves there would be the one that pushes the results, with the credentials. So such commands
look for programs only in folders that the user cannot change, unless the image has git nowhere
else.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

# What git starts beside itself: its credential helper's words, and git-lfs.
_STARTED = ("git", "sh", "cat", "git-lfs")


@dataclass(frozen=True)
class Programs:
    """The PATH for git commands with credentials, and which of their programs are exposed there."""

    path: str
    exposed: tuple[str, ...]

    @classmethod
    def on(cls, path: str) -> Programs:
        """Those of a PATH, as it is before any stage has run.

        Root may write everywhere, and so for root nothing can be told.
        """
        if os.geteuid() == 0:
            return cls(path, ())
        folders = [Path(folder).resolve() for folder in path.split(os.pathsep) if folder[:1] == "/"]
        safe = os.pathsep.join(str(folder) for folder in folders if _is_out_of_reach(folder))
        found = {name: shutil.which(name, path=path) for name in _STARTED}
        lost = [name for name in _STARTED if found[name] and not _safe(name, safe)]
        if not lost:
            return cls(safe, ())
        return cls(path, tuple(str(found[name]) for name in lost))


def _safe(name: str, path: str) -> bool:
    program = shutil.which(name, path=path) if path else None
    return program is not None and _is_out_of_reach(Path(program).resolve())


def _is_out_of_reach(real: Path) -> bool:
    """Whether this user can change neither a file or folder nor any folder that leads to it."""
    return not any(_may_change(part) for part in (real, *real.parents))


def _may_change(path: Path) -> bool:
    try:
        owner = path.stat().st_uid
    except OSError:
        return True  # who may not look cannot tell
    return owner == os.geteuid() or os.access(path, os.W_OK)
