"""Repositories, commits and accounts as Bitbucket's API and webhooks write them.

Sources: the payloads that webhooks really carried in 2022 and 2025, and the published API
description at https://api.bitbucket.org/swagger.json.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from local.bitbucket.answers import Json
from local.bitbucket.git import Commit
from local.bitbucket.markdown import rendered
from local.bitbucket.repositories import Repository

# Accounts, workspaces and projects have no rows of their own: a name always gives the same uuid.
NAMES = uuid.UUID("5d0a4c3e-6f2c-4d8e-9a58-2f9c1f6f2b7a")
TOKEN_USERS = {"", "x-token-auth", "x-bitbucket-api-token-auth"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where links lead: the API's root (ending in `/2.0`) and the root of the pages."""

    api: str
    pages: str


def named_uuid(kind: str, name: str) -> str:
    """The uuid, in braces, of something that is known by its name alone."""
    return f"{{{uuid.uuid5(NAMES, f'{kind}:{name}')}}}"


def link(href: str) -> Json:
    """A link as the API writes it."""
    return {"href": href}


def account(name: str, addresses: Addresses) -> Json:
    """Whoever pushes or comments; the user names of access tokens stand for a token."""
    shown = "Access token" if name in TOKEN_USERS else name
    identity = named_uuid("user", shown)
    return {
        "type": "user",
        "display_name": shown,
        "nickname": shown,
        "uuid": identity,
        "account_id": identity.strip("{}").replace("-", "")[:24],
        "links": {
            "self": link(f"{addresses.api}/users/{quote(identity)}"),
            "html": link(f"{addresses.pages}/"),
        },
    }


def repository_json(repository: Repository, addresses: Addresses) -> Json:
    """A repository as a push carries it."""
    workspace = repository.workspace
    return {
        "type": "repository",
        "uuid": repository.uuid,
        "full_name": repository.full_name,
        "name": repository.name,
        "scm": "git",
        "is_private": repository.is_private,
        "links": {
            "self": link(f"{addresses.api}/repositories/{repository.full_name}"),
            "html": link(f"{addresses.pages}/{repository.full_name}/"),
        },
        "owner": account(workspace, addresses),
        "workspace": {
            "type": "workspace",
            "uuid": named_uuid("workspace", workspace),
            "name": workspace,
            "slug": workspace,
            "links": {
                "self": link(f"{addresses.api}/workspaces/{workspace}"),
                "html": link(f"{addresses.pages}/"),
            },
        },
        "project": {
            "type": "project",
            "key": "PROJ",
            "uuid": named_uuid("project", workspace),
            "name": "Project",
            "links": {"html": link(f"{addresses.pages}/")},
        },
    }


def full_repository_json(repository: Repository, main_branch: str, addresses: Addresses) -> Json:
    """A repository as the API answers it: with its clone address, main branch and times."""
    short = repository_json(repository, addresses)
    links = short["links"]
    clone = {"name": "https", **link(f"{addresses.pages}/{repository.full_name}.git")}
    hooks = link(f"{addresses.api}/repositories/{repository.full_name}/hooks")
    return {
        **short,
        "slug": repository.slug,
        "description": repository.description,
        "created_on": repository.created_on,
        "mainbranch": {"type": "branch", "name": main_branch},
        "links": {
            **(links if isinstance(links, Mapping) else {}),
            "clone": [clone],
            "hooks": hooks,
        },
    }


def commit_json(commit: Commit, repository: Repository, addresses: Addresses) -> Json:
    """A commit as the API answers it."""
    api = f"{addresses.api}/repositories/{repository.full_name}/commit/{commit.hash}"
    return {
        **commit_reference(commit.hash, repository, addresses),
        "date": commit.date,
        "author": {
            "type": "author",
            "raw": f"{commit.author} <{commit.email}>",
            "user": account(commit.author, addresses),
        },
        "message": commit.message,
        "summary": rendered_text(commit.message),
        "links": {
            "self": link(api),
            "html": link(commit_page(commit.hash, repository, addresses)),
            "comments": link(f"{api}/comments"),
            "statuses": link(f"{api}/statuses"),
        },
        "parents": [commit_reference(hash_, repository, addresses) for hash_ in commit.parents],
    }


def rendered_text(text: str) -> Json:
    """Markdown and the HTML that it becomes."""
    return {"raw": text, "markup": "markdown", "html": rendered(text)}


def commit_reference(commit_hash: str, repository: Repository, addresses: Addresses) -> Json:
    """A commit as others mention it."""
    api = f"{addresses.api}/repositories/{repository.full_name}/commit/{commit_hash}"
    return {
        "type": "commit",
        "hash": commit_hash,
        "links": {
            "self": link(api),
            "html": link(commit_page(commit_hash, repository, addresses)),
        },
    }


def commit_page(commit_hash: str, repository: Repository, addresses: Addresses) -> str:
    """The address of a commit's page."""
    return f"{addresses.pages}/{repository.full_name}/commits/{commit_hash}"
