"""Running git on the job's clone. Nothing here knows credentials: `origin` does.

Stages can write the clone's configuration, and so these commands may run what a stage has left, as
its own commands do. Those with credentials work from a `courier` once a stage has run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from container.processes import Children, Ended
from container.programs import Programs
from container.settings import Settings

# An image may configure Git LFS for all users. What it would ask Bitbucket for, nobody has checked.
WITHOUT_LFS = (
    *("-c", "filter.lfs.process=", "-c", "filter.lfs.smudge="),
    *("-c", "filter.lfs.required=false"),
)
_NOWHERE = "/nonexistent"


class GitFailed(Exception):
    """A git command that should never fail on a sound clone did; its own words are in the log."""


def identity(settings: Settings) -> dict[str, str]:
    """Who makes the commits, for git and for DVC's experiments, with no configuration read."""
    return {
        "GIT_AUTHOR_NAME": settings.committer_name,
        "GIT_AUTHOR_EMAIL": settings.committer_email,
        "GIT_COMMITTER_NAME": settings.committer_name,
        "GIT_COMMITTER_EMAIL": settings.committer_email,
        "GIT_TERMINAL_PROMPT": "0",
    }


class Git:
    """One repository, worked on as the committer of the settings."""

    def __init__(
        self,
        children: Children,
        directory: Path,
        settings: Settings,
        programs: Programs | None = None,
    ) -> None:
        """`programs` are as they were before any stage ran; to be left out then alone."""
        self.children = children
        self.directory = directory
        self._settings = settings
        self.programs = programs or Programs.of(os.environ)
        self._own = {
            **identity(settings),
            # The user's own configuration plays no part: not in the image, not what a stage wrote.
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "HOME": _NOWHERE,  # the same, to git before 2.32
            "XDG_CONFIG_HOME": _NOWHERE,
            "GIT_ASKPASS": "",  # nobody is there to be asked
            # A connection on which nothing moves for a minute is given up (git-config(1)).
            "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
            "GIT_HTTP_LOW_SPEED_TIME": "60",
        }

    def run(
        self,
        *arguments: str,
        finish: bool = False,
        read: bool = False,
        descriptors: Sequence[int] = (),
    ) -> Ended:
        """One git command, however it ends; `descriptors` are those of credentials."""
        # Hooks are programs that a stage may have put there.
        command = [self.programs.git, "-c", "core.hooksPath=/dev/null", *arguments]
        inherited = self.programs.trusted if descriptors else self.programs.usual
        return self.children.run(
            command,
            directory=self.directory,
            environment={**inherited, **self._own},
            finish=finish,
            read=read,
            descriptors=descriptors,
        )

    def beside(self, directory: Path) -> Git:
        """The same on another repository."""
        return Git(self.children, directory, self._settings, self.programs)

    def must(self, *arguments: str, finish: bool = False) -> str:
        """The output of a git command that ends well.

        Raises:
            GitFailed: it does not.
        """
        ended = self.run(*arguments, finish=finish, read=True)
        if ended.code:
            raise GitFailed(f"git {' '.join(arguments)}: exit code {ended.code}")
        return os.fsdecode(ended.output)

    def mentions(self, word: str, files: str) -> bool:
        """Whether a file of this name, in whatever folder, holds a word."""
        pattern = f":(glob)**/{files}"
        return self.run("grep", "--quiet", "-F", "-e", word, "--", pattern, finish=True).code == 0

    def follows(self, commit: str, base: str) -> bool:
        """Whether a commit has `base` among its ancestors, or is it."""
        return self.run("merge-base", "--is-ancestor", base, commit, finish=True).code == 0

    def has_commit(self, commit: str) -> bool:
        """Whether the commit is here."""
        return (
            self.run("rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}", read=True).code
            == 0
        )
