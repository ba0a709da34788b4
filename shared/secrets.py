"""Secrets read from Secrets Manager, kept in memory for a minute."""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import calling

_KEPT_SECONDS = 60


class Secrets:
    """The text of secrets by name. One that does not exist is None, and that is kept as well."""

    def __init__(
        self,
        secretsmanager: Any,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secretsmanager = secretsmanager
        self._clock = clock
        self._kept: dict[str, tuple[float, str | None]] = {}

    def get(self, name: str, *, newer_than: float = _KEPT_SECONDS) -> str | None:
        """The secret's current text, read at most `newer_than` seconds ago.

        Raises:
            Unavailable: Secrets Manager did not answer.

        """
        kept = self._kept.get(name)
        now = self._clock()
        if kept is not None and now - kept[0] < newer_than:
            return kept[1]
        text = self._read(name)
        self._kept[name] = (now, text)
        return text

    def _read(self, name: str) -> str | None:
        with calling("reading a secret"):
            try:
                answer = self._secretsmanager.get_secret_value(SecretId=name)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return None
                raise
        text: str = answer["SecretString"]
        return text
