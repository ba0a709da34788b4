"""Changes a secret that others may be changing at the same time, and loses nobody's change.

Secrets Manager has no conditional write, but one conditional move: UpdateSecretVersionStage takes
the label AWSCURRENT from the version that it is told, and fails if the label is elsewhere by then
(API reference: "If the label is attached and you either do not specify this parameter, or the
version ID does not match, then the operation fails"). So a new value is stored aside, under a label
of its own, and becomes the current one only if the value that it was made from still is.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cli.account import AccountError, asking

_CURRENT = "AWSCURRENT"
_LABEL = "cloud-runner-"
# Twenty labels are all that a secret has (Secrets Manager quotas): those of commands that were
# killed go once they are so old that nobody can be at it any more.
_STALE_SECONDS = 900
_TRIES = 10
_PAUSE_SECONDS = 0.2
# What Secrets Manager takes (quotas, "Secret value size").
_MOST_BYTES = 65_536

Change = Callable[[str | None], str | None]


@dataclass(frozen=True)
class Version:
    """A secret's value as it was read; both None where it has none yet."""

    id: str | None
    text: str | None = field(repr=False)


class VersionedSecret:
    """The secret called `name`."""

    def __init__(
        self, secretsmanager: Any, name: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._secretsmanager = secretsmanager
        self._sleep = sleep
        self.name = name

    def read(self) -> Version:
        """The current value."""
        try:
            told = self._secretsmanager.get_secret_value(SecretId=self.name, VersionStage=_CURRENT)
        except ClientError as error:
            # The same code is for a secret that does not exist, which the write then tells.
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return Version(None, None)
            raise
        return Version(told["VersionId"], told["SecretString"])

    def change(self, change: Change) -> bool:
        """Replace the value by what `change` makes of it; False where that is the same.

        `change` is called again with a newer value if somebody was faster, so it must not do
        anything else. None from it means that there is nothing to change.

        Raises:
            AccountError: Secrets Manager refuses, others change the secret all the time, or there
                is no room in it, in which case nothing is written.

        """
        doing = f"changing the secret {self.name}"
        with asking(doing):
            for number in range(_TRIES):
                read = self.read()
                wanted = change(read.text)
                if wanted is None or wanted == read.text:
                    return False
                _check_size(wanted, doing)
                if self._replace(read, wanted):
                    self._clear_stale_labels()
                    return True
                self._sleep(_PAUSE_SECONDS * (number + 1))
        message = f"{doing}: others have changed it {_TRIES} times meanwhile: try again"
        raise AccountError(message)

    def _replace(self, read: Version, text: str) -> bool:
        version = str(uuid.uuid4())
        label = f"{_LABEL}{int(time.time()):x}-{version[:8]}"
        put = self._secretsmanager.put_secret_value(
            SecretId=self.name,
            SecretString=text,
            ClientRequestToken=version,
            VersionStages=[label],
        )
        # A secret's first version becomes the current one by itself.
        is_current = _CURRENT in put["VersionStages"] or self._move(read.id, version)
        self._secretsmanager.update_secret_version_stage(
            SecretId=self.name, VersionStage=label, RemoveFromVersionId=version
        )
        return is_current

    def _move(self, before: str | None, version: str) -> bool:
        come_from = {} if before is None else {"RemoveFromVersionId": before}
        try:
            self._secretsmanager.update_secret_version_stage(
                SecretId=self.name, VersionStage=_CURRENT, MoveToVersionId=version, **come_from
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidParameterException":
                raise
            # Somebody was faster, or botocore asked twice and the first question was heard.
            return self.read().id == version
        return True

    def _clear_stale_labels(self) -> None:
        told = self._secretsmanager.describe_secret(SecretId=self.name)
        for version, labels in told.get("VersionIdsToStages", {}).items():
            for label in labels:
                if _is_stale(label, time.time()):
                    self._secretsmanager.update_secret_version_stage(
                        SecretId=self.name, VersionStage=label, RemoveFromVersionId=version
                    )


def _check_size(text: str, doing: str) -> None:
    size = len(text.encode())
    if size > _MOST_BYTES:
        message = (
            f"{doing}: it would hold {size:,} bytes, and Secrets Manager takes {_MOST_BYTES:,}: "
            'make room, or use another --environment (docs/operations.md, "Quotas")'
        )
        raise AccountError(message)


def _is_stale(label: str, now: float) -> bool:
    if not label.startswith(_LABEL):
        return False
    made, _, _ = label.removeprefix(_LABEL).partition("-")
    try:
        return now - int(made, 16) > _STALE_SECONDS
    except ValueError:
        return False
