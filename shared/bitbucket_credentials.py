"""Who speaks to Bitbucket: the credentials' secret, and how they are shown.

Authentication (as of 2026: app passwords are gone) is one of: a repository, project or workspace
access token (Bearer); an API token of a user (Basic, with the Atlassian account's e-mail); an
OAuth consumer (client credentials, tokens of two hours).
"""

import base64
from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, model_validator

from shared.bitbucket_refusals import CredentialsRefused
from shared.events import Model

# It becomes part of a header: one with a line break would be refused with the token in clear.
Token = Annotated[str, Field(pattern=r"^[!-~]+$", repr=False)]


class Credentials(Model):
    """The secret's content: who speaks to Bitbucket.

    A token is printable ASCII without spaces; `user` is an API token's e-mail or an OAuth
    consumer's key. The error for anything else quotes neither.

    >>> Credentials(kind="access_token", token="s3cr3t")
    Credentials(kind='access_token', user=None)
    """

    kind: Literal["access_token", "api_token", "oauth"]
    user: str | None = None
    token: Token

    @model_validator(mode="after")
    def _has_user(self) -> Self:
        if self.kind != "access_token" and not self.user:
            message = f"credentials of the kind {self.kind} need a user"
            raise ValueError(message)
        return self

    @property
    def basic(self) -> str:
        """User and token as HTTP's basic authentication shows them."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.token}".encode()).decode()


class ReadsSecrets(Protocol):
    """Where the credentials come from."""

    def get(self, name: str) -> str | None:
        """The secret's text, or None where there is no such secret."""

    def renew(self, name: str) -> str | None:
        """The same, not from memory."""


def read_credentials(secrets: ReadsSecrets, name: str, slug: str, *, fresh: bool) -> Credentials:
    """What the secret `<name>/<slug>` holds, or else `name`; `fresh`: not from memory.

    Raises:
        CredentialsRefused: there is neither, or nobody can read it.

    """
    read = secrets.renew if fresh else secrets.get
    text = read(f"{name}/{slug}")
    if text is None:
        text = read(name)
    if text is None:
        message = f"reading Bitbucket's credentials: there is no secret {name}"
        raise CredentialsRefused(message)
    try:
        return Credentials.model_validate_json(text)
    except ValueError:
        # Without the cause: pydantic's message quotes the secret.
        message = (
            f"reading Bitbucket's credentials: the secret {name} is not JSON of the form "
            '{"kind": "access_token|api_token|oauth", "user": …, "token": …}, the token printable '
            "ASCII, the user needed for the last two kinds"
        )
        raise CredentialsRefused(message) from None
