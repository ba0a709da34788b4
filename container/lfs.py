"""Git LFS: only for projects that use it, and only where the image has it."""

from __future__ import annotations

from collections.abc import Iterable

from container.courier import Courier
from container.exits import Exit, JobFailed
from container.git import Git
from container.origin import Origin


def check_out(git: Git, origin: Origin) -> None:
    """Put large files in the place of their pointers, and let git store new ones as such.

    Raises:
        JobFailed: the project uses Git LFS, and the image has none.
        OriginUnavailable, OriginRefused: Bitbucket does not give them.
    """
    if not git.mentions("filter=lfs", ".gitattributes"):
        return
    if git.run("lfs", "version", read=True).code:
        raise JobFailed(
            Exit.NOT_CLONED,
            "cloning: the project uses Git LFS: add git-lfs to the image's Dockerfile",
        )
    git.must("lfs", "install", "--local", "--skip-repo")
    origin.fetch_large_files(git)


def push(git: Git, origin: Origin, commit: str, pauses: Iterable[float]) -> None:
    """Bring large files of the clone to Bitbucket, before the commit that names them.

    Raises:
        OriginUnavailable, OriginRefused: Bitbucket does not take them.
    """
    if git.mentions("filter=lfs", ".gitattributes"):
        storage = git.directory / ".git" / "lfs"
        origin.push_large_files(Courier(git, commit), storage, commit, pauses)
