"""Commands that Systems Manager has taken for machines, and what became of them.

Statuses: user guide, "Understanding command statuses".
"""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from local.machines.machine import Done, Machine

Status = Literal["Pending", "InProgress", "Success", "Failed", "TimedOut", "Cancelled"]
# How much of each is kept (API reference, GetCommandInvocation), in characters.
STDOUT_CHARACTERS: Final = 24_000
STDERR_CHARACTERS: Final = 8_000
# What a machine answers for a script whose time was over, as timeout(1) does.
_KILLED: Final = 124


@dataclass(frozen=True)
class Command:
    """A script for some machines."""

    command_id: str
    instance_ids: tuple[str, ...]
    script: str
    seconds: float
    comment: str
    asked_at: datetime


@dataclass(frozen=True)
class Invocation:
    """A command on one machine. `code` is -1 until it has one."""

    command: Command
    instance_id: str
    status: Status = "Pending"
    code: int = -1
    stdout: str = ""
    stderr: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Commands:
    """Runs commands, each in a thread; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._invocations: dict[tuple[str, str], Invocation] = {}

    def send(
        self, machines: Sequence[Machine], script: str, seconds: float, comment: str
    ) -> Command:
        """Run a script on machines; `seconds` is how long it may take on each."""
        ids = tuple(machine.instance.id for machine in machines)
        now = datetime.now(UTC)
        command = Command(str(uuid.uuid4()), ids, script, seconds, comment, now)
        for machine in machines:
            self._note(Invocation(command, machine.instance.id))
            name = f"command {command.command_id}"
            threading.Thread(
                target=self._run, args=(command, machine), name=name, daemon=True
            ).start()
        return command

    def find(self, command_id: str, instance_id: str) -> Invocation | None:
        """A command on a machine."""
        return self._invocations.get((command_id, instance_id))

    def of(self, command_id: str) -> tuple[Invocation, ...]:
        """A command on each of its machines."""
        found = list(self._invocations.values())
        return tuple(one for one in found if one.command.command_id == command_id)

    def cancel(self, command_id: str) -> None:
        """Take a command back where it has not ended; what runs already runs on here."""
        for one in self.of(command_id):
            self._end(replace(one, status="Cancelled"))

    def _run(self, command: Command, machine: Machine) -> None:
        begun = Invocation(
            command, machine.instance.id, status="InProgress", started_at=datetime.now(UTC)
        )
        self._note(begun)
        done = machine.inside.run(command.script, command.seconds)
        # Nobody hears from a machine that ended in the meantime.
        if machine.state == "running":
            self._end(_ended(begun, done))

    def _note(self, invocation: Invocation) -> None:
        with self._lock:
            self._invocations[invocation.command.command_id, invocation.instance_id] = invocation

    def _end(self, invocation: Invocation) -> None:
        """Note an end, unless it has one already."""
        key = invocation.command.command_id, invocation.instance_id
        with self._lock:
            if self._invocations[key].status in ("Pending", "InProgress"):
                self._invocations[key] = replace(invocation, ended_at=datetime.now(UTC))


def _ended(begun: Invocation, done: Done) -> Invocation:
    said = replace(
        begun,
        stdout=done.stdout.decode(errors="replace")[:STDOUT_CHARACTERS],
        stderr=done.stderr.decode(errors="replace")[:STDERR_CHARACTERS],
    )
    if done.code == _KILLED and _age(begun) >= begun.command.seconds:
        return replace(said, status="TimedOut")
    return replace(said, status="Success" if done.code == 0 else "Failed", code=done.code)


def _age(begun: Invocation) -> float:
    started = begun.started_at or begun.command.asked_at
    return (datetime.now(UTC) - started).total_seconds()
