"""Secrets Manager: texts by name, as the latest write left them."""

from tests.simulation.models.ports import Chooses, Later, Now, refused


class SecretsManager:
    """Secrets Manager's client. `texts` is what the secrets hold; whoever rotates one changes it.

    A name without a text is a secret that does not exist, or has no value yet: both are a
    ResourceNotFoundException (API reference, GetSecretValue).
    """

    def __init__(self, now: Now, choices: Chooses, later: Later) -> None:
        del now, choices, later  # a read sees the last write
        self.texts: dict[str, str] = {}

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - botocore's name
        """The text of a secret."""
        text = self.texts.get(SecretId)
        if text is None:
            raise refused("GetSecretValue", "ResourceNotFoundException")
        return {"Name": SecretId, "SecretString": text}
