"""Which commit a run asked for by command is about: Bitbucket says what a name stands for."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cli.account import Account, AccountError, Deployed, asking
from cli.replay.heads import Head, ReadsBitbucket, heads
from shared.bitbucket import Bitbucket, CredentialsRefused, NotFound, UnexpectedAnswer
from shared.errors import Rejected, Unavailable
from shared.events import Repository
from shared.secrets import Secrets

_HASH = re.compile(r"[0-9a-f]{4,40}")
_LARGEST_PAGE = 100  # developer.atlassian.com, "Pagination"


@dataclass(frozen=True)
class Source:
    """A commit of a repository; `branch` is where results go, beside it if it has moved on."""

    repository: Repository
    branch: str
    commit: str


def bitbucket(account: Account, deployed: Deployed) -> Bitbucket:
    """Bitbucket's API, with the credentials that the stack has for it."""
    return Bitbucket(
        deployed.output("BitbucketApiUrl"),
        account.names.auth_secret,
        Secrets(account.client("secretsmanager")),
        git_url=deployed.output("BitbucketGitUrl"),
    )


def find_source(account: Account, deployed: Deployed, full_name: str, ref: str | None) -> Source:
    """The commit that `ref` stands for in a repository (workspace/slug).

    A branch, a tag, or a commit, full or its beginning; None: the main branch. A tag or a commit
    belongs to the branch that it is the head of, else to the main branch.

    Raises:
        AccountError: there is no such repository or commit, or it cannot be asked for.

    """
    with _asking_bitbucket(account, full_name):
        return source(bitbucket(account, deployed), full_name, ref)


def source(reads: ReadsBitbucket, full_name: str, ref: str | None) -> Source:
    """The same, over any way to read Bitbucket; its refusals rise as they are."""
    told = reads.read(full_name, "", f"asking about {full_name}")
    repository = Repository.model_validate(told)
    main = (told.get("mainbranch") or {}).get("name")
    branches = {head.name: head.commit for head in heads(reads, full_name)}
    name = ref if ref is not None else main
    if name is None:
        message = f"{full_name} has no main branch: name a branch or a commit with --ref"
        raise AccountError(message)
    if name in branches:
        return Source(repository, name, branches[name])
    commit = _tags(reads, full_name).get(name) or _commit(reads, full_name, name)
    if commit is None:
        message = f"{full_name} has no branch, tag or commit {name}: has it been pushed?"
        raise AccountError(message)
    at_it = sorted(branch for branch, head in branches.items() if head == commit)
    if main in branches and (main in at_it or not at_it):
        return Source(repository, main, commit)
    if not at_it:
        message = f"{full_name} has no main branch, and {name} is no branch's head: name a branch"
        raise AccountError(message)
    return Source(repository, at_it[0], commit)


def _tags(reads: ReadsBitbucket, full_name: str) -> Mapping[str, str]:
    path = f"/refs/tags?pagelen={_LARGEST_PAGE}"
    try:
        listed = reads.read_all(full_name, path, f"listing the tags of {full_name}")
        tags = [Head.model_validate(one) for one in listed]
    except NotFound:  # the stand-in has no tags to list
        return {}
    return {tag.name: tag.commit for tag in tags}


def _commit(reads: ReadsBitbucket, full_name: str, name: str) -> str | None:
    if not _HASH.fullmatch(name.lower()):
        return None
    try:
        told: dict[str, Any] = reads.read(
            full_name, f"/commit/{name.lower()}", f"asking about the commit {name}"
        )
    except NotFound:
        return None
    found: str = told["hash"]
    return found


@contextmanager
def _asking_bitbucket(account: Account, full_name: str) -> Iterator[None]:
    doing = f"asking Bitbucket about {full_name}"
    try:
        with asking(doing):
            yield
    except NotFound as error:
        message = f"Bitbucket shows no repository {full_name} to the stack's credentials"
        raise AccountError(message) from error
    except CredentialsRefused as error:
        message = f"{error}: write new ones into the secret {account.names.auth_secret}"
        raise AccountError(message) from error
    except Unavailable as error:
        message = f"{error}: try again later"
        raise AccountError(message) from error
    except (Rejected, UnexpectedAnswer) as error:
        raise AccountError(str(error)) from error
    except (KeyError, ValueError):
        # Without its text, which may quote anything.
        message = f"{doing}: it answered something else than was asked for"
        raise AccountError(message) from None
