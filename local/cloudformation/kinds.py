"""What the front makes itself: one kind per type, each with what CloudFormation does with it."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Properties = Mapping[str, Any]

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Wanted:
    """A resource as its template wants it: which of which stack, and its properties."""

    stack: str
    logical_id: str
    properties: Properties


class Refused(Exception):
    """The resource cannot be made, changed or removed; the text is for the stack's event."""


class Kind(Protocol):
    """A type of resource. What it is known by, its physical id, is what `Ref` gives."""

    @property
    def seconds(self) -> int:
        """How long the making may take."""

    def create(self, wanted: Wanted) -> str:
        """Make it; its physical id."""

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Change it; another physical id means that it was replaced, and the old one is to go."""

    def delete(self, physical_id: str) -> None:
        """Remove it."""

    def attributes(self, physical_id: str) -> dict[str, str]:
        """What `Fn::GetAtt` gives."""


def made_up_name(wanted: Wanted) -> str:
    """A name for a resource whose template gives none: `JobQueue-9Zy...`."""
    return f"{wanted.logical_id}-{''.join(secrets.choice(_ALPHABET) for _ in range(16))}"


def differs(old: Properties, new: Properties, *names: str) -> bool:
    """Whether one of some properties changes."""
    return any(old.get(name) != new.get(name) for name in names)
