"""The secrets of a job's container: read from Secrets Manager when a try starts, never kept.

A reference is an ARN or a name, optionally followed by `:json-key:version-stage:version-id`, any
of them empty. Source: Batch user guide, "Specify sensitive data", and the ECS guide it points to.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.batch.shapes import Secret

# An ARN of a secret has seven parts: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
_ARN_PARTS = 7


class SecretUnreadable(Exception):
    """A secret could not be read; the text says which, and never its value."""


class SecretSource(Protocol):
    """Where secrets are read."""

    def read(self, reference: "SecretReference") -> str:
        """The secret's whole text; raises SecretUnreadable."""


@dataclass(frozen=True)
class SecretReference:
    """Which secret, which version of it, and which key of its JSON object."""

    secret_id: str
    json_key: str = ""
    version_stage: str = ""
    version_id: str = ""


def parse_reference(value_from: str) -> SecretReference:
    """Read a `valueFrom`.

    >>> parse_reference("acme/testing/bitbucket-auth:token::").json_key
    'token'
    >>> parse_reference("arn:aws:secretsmanager:eu-west-1:1:secret:auth-AbCdEf").json_key
    ''
    """
    parts = value_from.split(":")
    whole = _ARN_PARTS if parts[0] == "arn" else 1
    return SecretReference(":".join(parts[:whole]), *parts[whole : whole + 3])


def read_secrets(secrets: tuple[Secret, ...], source: SecretSource) -> dict[str, str]:
    """The environment variables of a container's secrets; raises SecretUnreadable."""
    return {secret.name: _read(parse_reference(secret.value_from), source) for secret in secrets}


def _read(reference: SecretReference, source: SecretSource) -> str:
    text = source.read(reference)
    if not reference.json_key:
        return text
    try:
        value = json.loads(text)[reference.json_key]
    except (ValueError, KeyError, TypeError):
        # Without the cause: its text could hold the secret.
        raise SecretUnreadable(
            f"retrieved secret from Secrets Manager did not contain json key {reference.json_key}"
        ) from None
    return value if isinstance(value, str) else json.dumps(value)


class SecretsManager:
    """Secrets Manager, through a boto3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, reference: SecretReference) -> str:
        """The secret's text; raises SecretUnreadable with the service's own words."""
        version = {"VersionStage": reference.version_stage, "VersionId": reference.version_id}
        try:
            answer = self._client.get_secret_value(
                SecretId=reference.secret_id, **{key: text for key, text in version.items() if text}
            )
        except (ClientError, BotoCoreError) as error:
            raise SecretUnreadable(
                f"unable to retrieve secret {reference.secret_id}: {error}"
            ) from error
        if "SecretString" not in answer:
            raise SecretUnreadable(f"secret {reference.secret_id} holds bytes, not text")
        return str(answer["SecretString"])


class NoSecrets:
    """What stands for Secrets Manager where there is no AWS endpoint; none is ever left for AWS."""

    def read(self, reference: SecretReference) -> str:
        """Raises SecretUnreadable."""
        raise SecretUnreadable(
            f"unable to retrieve secret {reference.secret_id}: the endpoint has no AWS_ENDPOINT_URL"
        )
