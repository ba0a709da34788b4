"""Secrets that `project add` makes for one project, and that `project remove` takes away again."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.account import asking

# What tells a secret that we made from one that somebody made by hand, which is theirs.
_MADE_BY = "cloud-runner-made-by"
_COMMAND = "project-add"


@dataclass(frozen=True)
class Found:
    """A secret that exists, and whether `project add` made it."""

    arn: str
    is_ours: bool


class OwnSecrets:
    """Secrets Manager, for secrets with one writer."""

    def __init__(self, secretsmanager: Any) -> None:
        self._secretsmanager = secretsmanager

    def find(self, name: str) -> Found | None:
        """A secret that is not about to be deleted."""
        told = self._describe(name)
        if told is None or told.get("DeletedDate") is not None:
            return None
        tags = {tag["Key"]: tag["Value"] for tag in told.get("Tags", [])}
        return Found(told["ARN"], tags.get(_MADE_BY) == _COMMAND)

    def text(self, name: str) -> str | None:
        """A secret's value; None where there is no such secret, or none with a value."""
        with asking(f"reading the secret {name}"):
            try:
                text: str = self._secretsmanager.get_secret_value(SecretId=name)["SecretString"]
            except ClientError as error:
                # The second: it is about to be deleted.
                if error.response["Error"]["Code"] in (
                    "ResourceNotFoundException",
                    "InvalidRequestException",
                ):
                    return None
                raise
        return text.strip() or None  # an empty text holds nothing either

    def store(self, name: str, text: str, description: str, tags: dict[str, str]) -> str:
        """Store a value, in a new secret if there is none of the name; the secret's ARN."""
        told = self._describe(name)
        with asking(f"storing the secret {name}"):
            if told is None:
                made: str = self._secretsmanager.create_secret(
                    Name=name,
                    SecretString=text,
                    Description=description,
                    Tags=[
                        {"Key": key, "Value": value}
                        for key, value in {**tags, _MADE_BY: _COMMAND}.items()
                    ],
                )["ARN"]
                return made
            if told.get("DeletedDate") is not None:
                # Somebody has changed their mind.
                self._secretsmanager.restore_secret(SecretId=name)
            self._secretsmanager.put_secret_value(SecretId=name, SecretString=text)
        return str(told["ARN"])

    def delete(self, name: str) -> None:
        """Delete a secret at once: one about to be deleted would stand in the shared one's way."""
        with asking(f"deleting the secret {name}"):
            self._secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def _describe(self, name: str) -> Any | None:
        with asking(f"looking for the secret {name}"):
            try:
                return self._secretsmanager.describe_secret(SecretId=name)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return None
                raise
