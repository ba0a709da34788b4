"""Where a command is typed: the working copy, its remote, and the repository at Bitbucket."""

from dataclasses import dataclass
from pathlib import Path

import click

from cli.account import Account, Deployed
from cli.experiments.git import Git
from cli.experiments.remotes import Remote
from cli.requests import Requests, Source, find_source
from cli.working_copy import WorkingCopy


@dataclass(frozen=True)
class Place:
    """A working copy of a repository of the stack's; `full_name` is workspace/slug."""

    account: Account
    deployed: Deployed
    copy: WorkingCopy
    remote: Remote
    full_name: str

    @property
    def git(self) -> Git:
        """Git in the working copy."""
        return self.remote.git

    @property
    def requests(self) -> Requests:
        """Where the stack's runs are asked for."""
        return Requests(self.account, self.deployed)

    def source(self, branch: str) -> Source:
        """A branch as Bitbucket has it."""
        return find_source(self.account, self.deployed, self.full_name, branch)


def place(account: Account, remote: str, full_name: str | None) -> Place:
    """The working copy that the command is typed in.

    Raises:
        click.ClickException: there is none, or its remote is not the Bitbucket of the stack.

    """
    copy = WorkingCopy.find(Path.cwd())
    if copy is None:
        message = "this is no git working copy: go to your clone of the project"
        raise click.ClickException(message)
    git = Git(copy.root)
    if not git.holds("remote", "get-url", remote):
        message = f"{copy.root} has no remote {remote}: name one with --remote (git remote -v)"
        raise click.ClickException(message)
    name = full_name or copy.full_name(remote)
    if name is None:
        message = f"the remote {remote} is no repository at Bitbucket: name it with --repository"
        raise click.ClickException(message)
    deployed = account.deployed()
    there = Remote(git, remote)
    there.check_is(deployed.output("BitbucketGitUrl"))
    return Place(account, deployed, copy, there, name)
