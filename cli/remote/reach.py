"""How a machine is reached: a script goes there, runs as root, and its answer comes back.

Systems Manager does that unless somebody named a user to log in by SSH.
"""

from dataclasses import dataclass
from typing import Protocol

import click

from cli.account import Account
from cli.remote.machine import Ec2, MachineFacts

_LAST_LINES = 3


@dataclass(frozen=True)
class Answer:
    """What a script came to; `stderr` may have lost its beginning, `stdout` its end."""

    code: int
    stdout: str
    stderr: str

    @property
    def last_words(self) -> str:
        r"""The last lines that it wrote to stderr, on one line.

        >>> Answer(1, "", "cloning\nfatal: no such branch\n\n").last_words
        'cloning; fatal: no such branch'
        """
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return "; ".join(lines[-_LAST_LINES:])


class Unreachable(click.ClickException):
    """The machine cannot be reached, and nothing has run; the text says why and what to do."""


class Unanswered(click.ClickException):
    """A script may have run, or may yet: its answer did not come.

    `settles_in_seconds`: after so long it runs, has run, or never will.
    """

    def __init__(self, message: str, settles_in_seconds: float = 0) -> None:
        super().__init__(message)
        self.settles_in_seconds = settles_in_seconds


class Reach(Protocol):
    """The way to one machine."""

    def ready(self, seconds: float) -> None:
        """Wait until scripts can be run there; Unreachable if they cannot after so long."""

    def run(self, script: str, *, given: bytes = b"", seconds: float) -> Answer:
        """What a shell script came to that ran as root with `given` as its input.

        It is kept where others may read it, as in a command history: no secret belongs in either.

        Raises:
            Unreachable: it has not run.
            Unanswered: it may have run; within `seconds` it did not answer.

        """


def see_that_it_lives(ec2: Ec2, instance_id: str) -> None:
    """Raise Unreachable if a machine that is waited for has ended; with EC2's reason."""
    machine = ec2.describe(instance_id)
    # EC2 may take some seconds to know a new machine everywhere.
    if machine is not None and machine.state not in ("pending", "running"):
        message = (
            f"{machine.told} is {machine.state}: {machine.state_reason or 'EC2 gives no reason'}. "
            "A machine whose watchdog cannot start ends itself: its system log in the EC2 console "
            "says why"
        )
        raise Unreachable(message)


def reach_for(account: Account, machine: MachineFacts, user: str | None) -> Reach:
    """The way to a machine: by SSH as `user`, or, for None, by Systems Manager."""
    # Each loads what the other does not need.
    if user is None:
        from cli.remote.reach_ssm import SystemsManager  # noqa: PLC0415

        return SystemsManager.of(account, machine)
    from cli.remote.reach_ssh import Ssh  # noqa: PLC0415

    return Ssh.of(account, machine, user)
