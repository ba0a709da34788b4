"""The watch over an experiment that goes on: over its run, and over the end of its machine.

The machine ends itself, and the services end one that has not. This is the third pair of eyes: who
watches is told what became of the machine, and a machine that outstays its work is ended from here.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import click

from cli.asking import AccountError, reaching
from cli.endings import MachineMayRun, NotSuccessful, ended_by_ctrl_c
from cli.remote import ending
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.notifying import Notifier
from cli.runs.stack import RunsStack
from cli.runs.watching import watch_run
from cli.shown import command
from shared.errors import Unavailable
from shared.events import RunId
from shared.machines import GRACE
from shared.runs import Run

# The agent tells how the experiment ended before it notifies and shuts down.
END_SECONDS: Final = 900
# The machine's last word travels by a queue; where it does not come, the reconciler asks EC2 about
# runs that have not moved for some minutes.
_RECORD_SECONDS: Final = 1800
_LOOK_SECONDS: Final = 15


class RecordSilent(click.ClickException):
    """The machine has ended, and the record does not say how its run did."""


class Overdue(click.ClickException):
    """The machine still runs though it should have ended itself."""


@dataclass(frozen=True)
class _Both(RunsStack):
    """A stack whose runs are looked at together with the machine that one of them has."""

    ec2: Ec2
    machine: MachineFacts
    _seen: dict[str, float] = field(default_factory=dict)

    def look(self, run_id: RunId) -> Run:
        """A run's record as it is now; RecordSilent, Overdue if that will not change any more."""
        run = super().look(run_id)
        now = self.ec2.waiting.monotonic()
        if not run.final and now >= self._seen.get("next", now):
            self._seen["next"] = now + min(_LOOK_SECONDS, 10 * self.pace.seconds)
            self._look_at_the_machine(run, now)
        return run

    def _look_at_the_machine(self, run: Run, now: float) -> None:
        machine = self.ec2.describe(self.machine.instance_id)
        if machine is None or machine.state in ("stopped", "terminated"):
            gone = self._seen.setdefault("gone", now)
            if now - gone > _RECORD_SECONDS:
                show = command(self.account, "runs", "show", run.run_id)
                message = (
                    f"{self.machine.told} has ended, but nothing says how run {run.run_id} did: "
                    f"{show} may tell later"
                )
                raise RecordSilent(message)
            return
        self._seen.pop("gone", None)
        if machine.ends_at is not None and datetime.now(UTC) > machine.ends_at + GRACE:
            message = f"{self.machine.told} should have ended at {machine.ends_at:%H:%M} UTC"
            raise Overdue(message)


def oversee(
    stack: RunsStack, ec2: Ec2, run: Run, machine: MachineFacts, notify: str | None
) -> None:
    """Watch a run until it is over, and its machine until it has ended.

    Ctrl-C ends the watch alone.

    Raises:
        NotSuccessful: the run did not succeed.
        RecordSilent: the machine has ended, and nobody knows how the run did.
        MachineMayRun: the machine has not ended, or cannot be asked about.

    """
    try:
        watch_run(_Both(stack.account, stack.deployed, ec2, machine), run)
    except NotSuccessful:
        _see_it_end(ec2, _as_it_is_now(stack, run), machine, notify)
        raise
    except Overdue as error:
        click.echo(f"note: {error.message}: it is ended from here", err=True)
        _end(ec2, _as_it_is_now(stack, run), machine, notify)
        raise
    except RecordSilent:
        raise
    except click.ClickException as error:
        raise ending.may_run(ec2, machine, f"watching its run: {error.message}") from error
    _see_it_end(ec2, _as_it_is_now(stack, run), machine, notify)


def _as_it_is_now(stack: RunsStack, run: Run) -> Run:
    """The record, for what is said of it; as it was, where it cannot be read."""
    with suppress(click.ClickException, Unavailable):
        return stack.look(run.run_id)
    return run


def _see_it_end(ec2: Ec2, run: Run, machine: MachineFacts, notify: str | None) -> None:
    """Return when a machine has ended that is to end with its run; end it if it does not."""
    how = "terminate" if run.machine is None else run.machine.afterwards
    if how == "keep":
        click.echo(_kept(ec2, run, machine), err=True)
        return
    click.echo(f"waiting for the end of {machine.told}", err=True)
    shown = command(ec2.account, "remote", "list")
    with ended_by_ctrl_c(f"{machine.told} ends itself; {shown} shows whether"):
        try:
            ending.confirm(ec2, machine, how, END_SECONDS)
        except MachineMayRun:
            click.echo(
                f"note: {machine.told} has not ended itself: it is ended from here", err=True
            )
            _end(ec2, run, machine, notify)
    click.echo(f"{machine.told} has ended", err=True)


def _kept(ec2: Ec2, run: Run, machine: MachineFacts) -> str:
    """What is said of a machine that goes on after its run; EC2 knows when it was to end last."""
    now = machine
    with suppress(click.ClickException, Unavailable):
        now = ec2.describe(machine.instance_id) or machine
    if now.state not in ("pending", "running"):
        return f"{machine.told} is {now.state}"
    ends_at = now.ends_at or (run.machine and run.machine.ends_at)
    until = "" if ends_at is None else f" until {ends_at:%Y-%m-%d %H:%M} UTC"
    end = command(ec2.account, "remote", "terminate", "--instance", machine.instance_id)
    return f"{machine.told} is kept{until}; to end it: {end}"


def _end(ec2: Ec2, run: Run, machine: MachineFacts, notify: str | None) -> None:
    """End a machine that has not ended itself.

    Raises:
        MachineMayRun: it does not end; whoever is to be notified has been.

    """
    try:
        stops = run.machine is not None and run.machine.afterwards != "terminate"
        with reaching(f"asking whether {machine.told} can be stopped"):
            stops = stops and ending.unstoppable(ec2, machine) is None
        ending.end(ec2, machine, "stop" if stops else "terminate")
    except AccountError as error:
        _say(run, machine, notify, error.message)
        raise ending.may_run(ec2, machine, error.message) from error
    except MachineMayRun as error:
        _say(run, machine, notify, error.message)
        raise


def _say(run: Run, machine: MachineFacts, notify: str | None, why: str) -> None:
    Notifier(notify).not_terminated(machine, why, datetime.now(UTC), run)
