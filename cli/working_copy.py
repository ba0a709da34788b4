"""The clone of a project that a command is typed in: which repository, branch and commit it is."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click

_SECONDS = 30
# https://user@host/w/s.git, ssh://git@host:443/w/s.git, and scp's form git@host:w/s.git
_REMOTE = re.compile(
    r"(?:[a-z+]+://(?:[^@/]*@)?(?P<host>[^/:]+)(?::[0-9]+)?/|(?:[^@/:]*@)?(?P<scp>[^/:]+):)"
    r"(?P<name>[^/]+/[^/]+?)(?:\.git)?/?"
)
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class WorkingCopy:
    """A git working copy; `root` is its top folder."""

    root: Path

    @classmethod
    def find(cls, folder: Path) -> "WorkingCopy | None":
        """The working copy that `folder` lies in; None where there is none, or no git."""
        try:
            told = _git(folder, "rev-parse", "--show-toplevel")
        except FileNotFoundError:
            return None
        return cls(Path(told)) if told else None

    def full_name(self, remote: str = "origin") -> str | None:
        """The repository as workspace/slug, if `remote` is one of Bitbucket's or its stand-in's."""
        url = _git(self.root, "remote", "get-url", remote)
        return None if url is None else repository_of(url)

    def branch(self) -> str | None:
        """The branch that is checked out; None at a commit that is on none."""
        return _git(self.root, "symbolic-ref", "--quiet", "--short", "HEAD")

    def head(self) -> str:
        """The commit that is checked out.

        Raises:
            click.ClickException: there is no commit yet.

        """
        commit = _git(self.root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if commit is None:
            message = f"{self.root} has no commit yet: commit and push first"
            raise click.ClickException(message)
        return commit


def repository_of(url: str) -> str | None:
    """The repository that a remote's address names; None for one that is not Bitbucket's.

    >>> repository_of("git@bitbucket.org:Team/churn-model.git")
    'team/churn-model'
    >>> repository_of("https://someone@bitbucket.org/team/churn-model")
    'team/churn-model'
    >>> repository_of("http://x-token-auth:secret@127.0.0.1:4242/team/churn-model.git")
    'team/churn-model'
    >>> repository_of("https://git.example.com/team/churn-model.git")
    """
    match = _REMOTE.fullmatch(url)
    if match is None:
        return None
    host = (match["host"] or match["scp"]).lower()
    ours = host in _LOOPBACK or host == "bitbucket.org" or host.endswith(".bitbucket.org")
    return match["name"].lower() if ours else None


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers, without the line's end; None where it answers nothing, or refuses."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"git {arguments[0]} in {folder} did not end within {_SECONDS} s"
        raise click.ClickException(message) from error
    return done.stdout.rstrip("\n") or None if done.returncode == 0 else None
