"""Secrets read from Secrets Manager, kept in memory for a minute."""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import calling

_KEPT_SECONDS = 60
# No such secret, or one that is marked for deletion (API reference, GetSecretValue).
_NONE = frozenset({"ResourceNotFoundException", "InvalidRequestException"})


class Secrets:
    """The text of secrets by name; None for one that does not exist, which is kept as well.

    A secret that is marked for deletion does not exist any more.
    """

    def __init__(
        self,
        secretsmanager: Any,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secretsmanager = secretsmanager
        self._clock = clock
        self._kept: dict[str, tuple[float, str | None]] = {}
        self._renewed: dict[str, float] = {}

    def get(self, name: str) -> str | None:
        """The secret's text, read within the last minute.

        Raises:
            Unavailable: Secrets Manager did not answer.

        """
        kept = self._kept.get(name)
        if kept is not None and self._clock() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        return self._keep(name)

    def renew(self, name: str, *, at_most_every: float = 0) -> str | None:
        """The secret's text, read anew unless that was asked for `at_most_every` seconds ago.

        For somebody to whom the text that is kept does not fit: it may have changed since.

        Raises:
            Unavailable: Secrets Manager did not answer.

        """
        renewed = self._renewed.get(name)
        if renewed is not None and self._clock() - renewed < at_most_every:
            return self.get(name)
        text = self._keep(name)
        # Only now: a read that failed must not count, or the next one would answer from memory.
        self._renewed[name] = self._clock()
        return text

    def _keep(self, name: str) -> str | None:
        text = self._read(name)
        self._kept[name] = (self._clock(), text)
        return text

    def _read(self, name: str) -> str | None:
        with calling("reading a secret"):
            try:
                answer = self._secretsmanager.get_secret_value(SecretId=name)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NONE:
                    return None
                raise
        text: str = answer["SecretString"]
        return text
