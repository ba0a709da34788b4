"""What the credentials must be allowed to do in Bitbucket, and what to say where they are not.

Scopes: https://developer.atlassian.com/cloud/bitbucket/rest/intro/#scopes and Atlassian's page "API
token permissions", by which in an API token no scope includes another.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cli.project.bitbucket import Bitbucket, Refused, Repository

_SCOPES = {
    "read": (("repository",), ("read:repository:bitbucket",)),
    "write": (("repository:write",), ("write:repository:bitbucket",)),
    "webhooks": (
        ("webhook",),
        ("read:webhook:bitbucket", "write:webhook:bitbucket", "delete:webhook:bitbucket"),
    ),
}


@dataclass(frozen=True)
class Checked:
    """The repository, None if it cannot be read, and a sentence for each thing that is missing."""

    repository: Repository | None
    missing: tuple[str, ...]


def check(bitbucket: Bitbucket, webhooks: Bitbucket, full_name: str) -> Checked:
    """Try all that the product will do, without changing anything.

    `bitbucket` speaks as the product will, `webhooks` as whoever makes the webhook.
    """
    try:
        repository = bitbucket.repository(full_name)
    except Refused as refused:
        return Checked(None, (explain(refused, "read", bitbucket.credentials.kind, full_name),))
    tried: tuple[tuple[str, Bitbucket, Callable[[str], None]], ...] = (
        ("write", bitbucket, bitbucket.check_push),
        ("webhooks", webhooks, webhooks.check_hooks),
    )
    missing = []
    for right, asked, ask in tried:
        try:
            ask(repository.full_name)
        except Refused as refused:
            missing.append(explain(refused, right, asked.credentials.kind, full_name))
    return Checked(repository, tuple(missing))


def explain(refused: Refused, right: str, kind: str, full_name: str) -> str:
    """What is missing and what to do, in one sentence."""
    if refused.status == 401:
        return (
            f"{right}: Bitbucket does not know the credentials: they have expired, were revoked, "
            "or are of another kind than said"
        )
    if refused.status == 404:
        return f"{right}: there is no {full_name}, or these credentials do not open it"
    if refused.status != 403:
        return f"{right}: {refused}; try again"
    scopes = refused.scopes or scopes_for(right, kind)
    admin = ", and its owner must be an administrator of the repository"
    return f"{right}: add {_all(scopes)} to the token{admin if right == 'webhooks' else ''}"


def scopes_for(right: str, kind: str) -> tuple[str, ...]:
    """The scopes that give a right to credentials of a kind.

    >>> scopes_for("write", "access_token"), scopes_for("write", "api_token")
    (('repository:write',), ('write:repository:bitbucket',))
    """
    classic, granular = _SCOPES[right]
    return granular if kind == "api_token" else classic


def _all(scopes: tuple[str, ...]) -> str:
    word = "the scope" if len(scopes) == 1 else "the scopes"
    return f"{word} {', '.join(scopes)}"
