"""Credentials for Bitbucket as people hand them over: typed in or in a file, never in arguments."""

import stat
from pathlib import Path

import click

from shared.bitbucket import Credentials

_FORM = (
    '{"kind": "access_token" or "api_token" or "oauth", "user": …, "token": …}, with a user for '
    "the last two, and a token of printable ASCII without spaces"
)
_KINDS = {
    "access_token": "of a repository, project or workspace",
    "api_token": "of a user, with scopes",
    "oauth": "a consumer's key and secret",
}
_USERS = {"api_token": "The user's Atlassian e-mail", "oauth": "The consumer's key"}
# The user that git names for each kind: Bitbucket, "Using access tokens" and "Using API tokens".
_GIT_USERS = {
    "access_token": "x-token-auth",
    "api_token": "x-bitbucket-api-token-auth",
    "oauth": "x-token-auth",
}


def parse(text: str, where: str) -> Credentials:
    """The credentials in a secret's or a file's JSON; the error shows nothing of it."""
    try:
        return Credentials.model_validate_json(text)
    except ValueError:
        message = f"{where} does not hold credentials of the form {_FORM}"
        raise click.ClickException(message) from None


def from_file(path: Path) -> Credentials:
    """The credentials in a file that nobody else can read."""
    return parse(private_text(path), str(path))


def private_text(path: Path) -> str:
    """The text of a file; refused if others than its owner can read it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        message = f"{path} can be read by others (mode {mode:o}): chmod 600 {path}"
        raise click.ClickException(message)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        message = f"{path} is not UTF-8 text"
        raise click.ClickException(message) from None  # the cause holds the file


def ask(purpose: str) -> Credentials:
    """Ask for credentials at the terminal; what is typed as the token is not shown."""
    click.echo(f"{purpose}. There are three kinds:")
    for kind, meaning in _KINDS.items():
        click.echo(f"  {kind:<13} {meaning}")
    kind = click.prompt("Kind", type=click.Choice(list(_KINDS)), default="access_token")
    user = click.prompt(_USERS[kind]) if kind in _USERS else None
    token = click.prompt("Token", hide_input=True)
    try:
        return Credentials(kind=kind, user=user, token=token.strip())
    except ValueError:
        message = "what was typed is no token: printable ASCII without spaces"
        raise click.ClickException(message) from None


def written(credentials: Credentials) -> str:
    """The credentials as the secret holds them."""
    return credentials.model_dump_json(exclude_none=True)


def git_user(credentials: Credentials) -> str:
    """The user name that goes with the token in git's HTTP requests."""
    return _GIT_USERS[credentials.kind]
