"""What an experiment is to run, and in what: found out before a machine costs anything.

A repository of the stack's Bitbucket is run by the program of Batch's jobs, and its results go back
there; any other repository is only cloned; without one, a module of the machine or its image runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import click

from cli.account import Account
from cli.asking import AccountError, asking
from cli.deployed import Deployed, find_stack
from cli.limits import limits
from cli.project.names import Project
from cli.remote.options import PROJECTS_IMAGE, Action, Wanted
from cli.runs.arguments import join
from cli.runs.submitting import read_options
from cli.sources import Source, find_source
from cli.typed import FullName
from cli.working_copy import repository_of
from shared.events import Asked
from shared.hydra import ArgumentError


@dataclass(frozen=True)
class Work:
    """What runs: a commit of the stack's Bitbucket (`source`), another `clone`, or a module alone.

    `image` is the container's; None: it runs on the machine itself. `secret` is the ARN of the
    secret with Bitbucket's credentials, which only a commit of Bitbucket's needs, and `submodules`
    the other repositories that they are used for, as the project's job definition has them.
    """

    asked: Asked
    words: tuple[str, ...] = ()
    source: Source | None = None
    clone: str | None = None
    branch: str | None = None
    image: str | None = None
    secret: str | None = None
    submodules: str = ""


def find_work(wanted: Wanted, account: Account, deployed: Deployed) -> Work:
    """What a command asks for, with the commit that it stands for now.

    Raises:
        click.UsageError: it cannot be meant so.
        AccountError: there is no such repository, commit, or project, or no image of it.

    """
    full_name = stacks_repository(wanted.git, deployed.output("BitbucketGitUrl"))
    if full_name is not None:
        return _projects(wanted, full_name, account, deployed)
    if wanted.module is None and Action.EXPERIMENT in wanted.actions:
        message = (
            "what is to run? --module MODULE, or --git with a repository of the stack's Bitbucket"
        )
        raise click.UsageError(message)
    if wanted.commit is not None:
        message = "--commit is for a repository of the stack's Bitbucket: name a --branch or a tag"
        raise click.UsageError(message)
    if wanted.docker == PROJECTS_IMAGE:
        message = "--docker without an image is a project's: name an image, or a project by --git"
        raise click.UsageError(message)
    if wanted.git is not None and urlsplit(wanted.git).scheme in ("http", "https"):
        _see_that_it_holds_no_secret(wanted.git)
    return Work(
        asked=_asked_of_a_module(wanted.module, wanted.arguments),
        words=wanted.arguments,
        clone=wanted.git,
        branch=wanted.branch,
        image=wanted.docker,
    )


def stacks_repository(git: str | None, git_url: str) -> str | None:
    """The repository at the stack's Bitbucket that somebody named, by its name or an address.

    >>> stacks_repository("Team/Churn", "https://bitbucket.org")
    'team/churn'
    >>> stacks_repository("git@bitbucket.org:team/churn.git", "https://bitbucket.org")
    'team/churn'
    >>> stacks_repository("https://git.example.com/team/churn.git", "https://bitbucket.org")
    >>> stacks_repository("http://127.0.0.1:80/team/churn", "http://127.0.0.1:4242")
    """
    if git is None:
        return None
    if "://" not in git and ":" not in git:
        return FullName().convert(git, None, None)
    address = urlsplit(git)
    if address.scheme in ("http", "https"):
        host = address.netloc.rpartition("@")[2].lower()
        return repository_of(git) if host == urlsplit(git_url).netloc.lower() else None
    return repository_of(git)


def _projects(wanted: Wanted, full_name: str, account: Account, deployed: Deployed) -> Work:
    if wanted.module is not None:
        asked = _asked_of_a_module(wanted.module, wanted.arguments)
    else:
        prefix = deployed.output("KeywordPrefix")
        asked = read_options(wanted.arguments, {}, prefix, limits(deployed))
    source = find_source(account, deployed, full_name, wanted.commit or wanted.branch)
    if wanted.branch is not None:
        source = replace(source, branch=wanted.branch)
    repository = source.repository
    project = Project(account.names, repository.workspace, repository.slug)
    with asking(f"looking for the project {full_name}"):
        added = find_stack(account.client("cloudformation"), project.stack)
    own = None if added is None else added.parameters.get("AuthSecretArn")
    image = wanted.docker
    if image == PROJECTS_IMAGE:
        if added is None:
            message = (
                f"{full_name} has no image in {account.stack}: cloud-runner project add, then "
                "cloud-runner image build --push, or name an image: --docker IMAGE"
            )
            raise AccountError(message)
        image = added.parameters.get("Image") or f"{added.output('RepositoryUri')}:latest"
    return Work(
        asked=asked,
        source=source,
        image=image,
        secret=own or deployed.output("BitbucketAuthSecretArn"),
        submodules="" if added is None else _submodules(added.parameters),
    )


def _submodules(parameters: Mapping[str, str]) -> str:
    """As container/project.yaml makes it of its parameters."""
    if parameters.get("OwnCredentials") == "true":
        return "*"
    return parameters.get("Submodules", "")


def _asked_of_a_module(module: str | None, words: Sequence[str]) -> Asked:
    try:
        arguments = join(words)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from error
    return Asked(module=module, arguments=arguments or None)


def _see_that_it_holds_no_secret(url: str) -> None:
    if "@" in urlsplit(url).netloc:
        message = (
            "--git has credentials in its address, which a command history would keep: leave them "
            "out, and let the machine have them in another way"
        )
        raise click.UsageError(message)
