"""Troubles that a test can order: what EC2 refuses, and what is wrong with a machine.

A trouble names whom it concerns, by any of `instance_type`, `subnet_id`, `name` (the tag) and
`instance_id`; whoever fits all that it names has it, and everybody has one that names nobody. It is
in force from when it is ordered until it is cleared, for machines that run already as well.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Subject:
    """Whom a trouble may concern: a machine, or one that is asked for."""

    instance_type: str | None = None
    subnet_id: str | None = None
    name: str | None = None
    instance_id: str | None = None


class Trouble(BaseModel):
    """Whom it concerns, and what is wrong there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance_type: str | None = None
    subnet_id: str | None = None
    name: str | None = None
    instance_id: str | None = None

    refuses: Mapping[str, str] = {}
    """Operations of EC2 and the error codes that they answer: RunInstances:
    InsufficientInstanceCapacity, TerminateInstances: UnauthorizedOperation…"""
    stays_pending: bool = False
    """It never gets from pending to running."""
    unreachable: bool = False
    """Systems Manager has never heard of it."""
    ignores_shutdown: bool = False
    """Its own `shutdown` does nothing."""
    never_ends: bool = False
    """It stays shutting-down, or stopping."""

    def concerns(self, subject: Subject) -> bool:
        """Whether somebody has it."""
        named = {
            "instance_type": self.instance_type,
            "subnet_id": self.subnet_id,
            "name": self.name,
            "instance_id": self.instance_id,
        }
        return all(
            wanted is None or wanted == getattr(subject, key) for key, wanted in named.items()
        )


class Troubles:
    """The troubles in force; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: tuple[Trouble, ...] = ()

    @property
    def ordered(self) -> tuple[Trouble, ...]:
        """All of them, the oldest first."""
        return self._ordered

    def order(self, trouble: Trouble) -> None:
        """Add one."""
        with self._lock:
            self._ordered = (*self._ordered, trouble)

    def clear(self) -> None:
        """From now on nothing is wrong."""
        with self._lock:
            self._ordered = ()

    def of(self, subject: Subject) -> tuple[Trouble, ...]:
        """Those that somebody has."""
        return tuple(one for one in self._ordered if one.concerns(subject))

    def refusal(self, operation: str, subject: Subject) -> str | None:
        """The error code with which an operation is refused."""
        codes = (one.refuses.get(operation) for one in self.of(subject))
        return next(filter(None, codes), None)
