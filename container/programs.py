"""Which programs git commands start, who could replace them, and what the image has them load.

Stages run as the same user as the program that runs them. An image may have a folder on its PATH
into which that user may write, such as `~/.local/bin` or an environment of conda's. A `git` that a
stage leaves there would be the one that works for the runner. So the runner's own commands start
git from a folder that the user cannot change, and those with credentials look for programs nowhere
else, unless the image has git nowhere else. The same holds for libraries and settings that
variables name.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# What git starts beside itself: its credential helper's words, and git-lfs.
_STARTED = ("git", "sh", "cat", "git-lfs")
# Variables by which whoever writes to a file runs code in a program: ld.so(8), iconv(3), OpenSSL's
# openssl-env(7), bash(1), git(1).
_LOADED = (
    *("LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD", "GCONV_PATH"),
    *("OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES"),
    *("BASH_ENV", "ENV", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH"),
)


@dataclass(frozen=True)
class Programs:
    """The git to start, and the environments of its commands.

    `trusted` is for those with credentials; `exposed` are programs that a stage could replace there
    all the same. `usual` is for the others, and the image's own: an image may have filters, which
    find their programs where its stages do.
    """

    trusted: Mapping[str, str]
    usual: Mapping[str, str]
    exposed: tuple[str, ...] = ()
    git: str = "git"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Programs:
        """Those of an image's environment, as they are before any stage has run.

        Root may write everywhere, and so for root nothing can be told.
        """
        environment = dict(environment)
        if os.geteuid() == 0:
            return cls(environment, environment)
        path = environment.get("PATH", os.defpath)
        folders = path.split(os.pathsep)
        safe = [real for folder in folders if (real := _out_of_reach(folder))]
        found = {name: shutil.which(name, path=path) for name in _STARTED}
        lost = [name for name in _STARTED if found[name] and not _safe(name, safe)]
        if lost:
            return cls(environment, environment, tuple(str(found[name]) for name in lost))
        path = os.pathsep.join(safe)
        git = shutil.which("git", path=path) or "git"
        return cls({**_without_loaded(environment), "PATH": path}, environment, git=git)


def _without_loaded(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that has no program load what this user could write."""
    kept = dict(environment)
    for name in _LOADED:
        if name in kept:
            libraries = name in ("LD_AUDIT", "LD_PRELOAD")
            parts = re.split("[ :]" if libraries else ":", kept.pop(name))
            # A library without a folder is looked for in the folders that are left.
            safe = [
                part if libraries and "/" not in part else _out_of_reach(part) for part in parts
            ]
            if any(safe):
                kept[name] = ":".join(filter(None, safe))
    return kept


def _safe(name: str, folders: list[str]) -> bool:
    program = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    return program is not None and bool(_out_of_reach(program))


def _out_of_reach(path: str) -> str:
    """Where a path leads, if this user can change neither that nor any folder above it; else ""."""
    if not path.startswith("/"):
        return ""  # it begins wherever a program is started
    real = Path(path).resolve()
    return "" if any(_may_change(part) for part in (real, *real.parents)) else str(real)


def _may_change(path: Path) -> bool:
    try:
        owner = path.stat().st_uid
    except OSError:
        return True  # who may not look cannot tell
    return owner == os.geteuid() or os.access(path, os.W_OK)
