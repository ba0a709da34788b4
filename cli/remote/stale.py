"""Machines that should have ended and have not: which, why, and their end.

A machine ends itself. One that is stale has not: its watchdog never came up, or shutting down does
not end it, or somebody moved the end.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import click

from cli.account import Account
from cli.asking import reaching
from cli.deployed import Deployed
from cli.endings import MachineMayRun
from cli.remote.ending import How, end, unstoppable
from cli.remote.known import Known, known
from cli.remote.machine import Ec2, MachineFacts
from cli.shown import age, printable
from shared import machine_tags
from shared.machines import GRACE

# Between what EC2 says, what the records say, and two clocks.
_LATE = timedelta(minutes=5)
# After its run a machine stores what there is, and shuts down.
_AFTER_RUN = timedelta(minutes=15)


def why_stale(one: Known, now: datetime) -> str | None:
    """Why a machine should have ended, in words; None where it need not have, as far as is known.

    At its end one that is busy has time to store what there is. One that is to be kept is stale
    past its end alone.
    """
    machine = one.machine
    if not one.up:
        return None
    if machine.ends_at is not None:
        late = now - machine.ends_at
        if late > _LATE + (GRACE if one.busy else timedelta()):
            return f"it should have ended {age(late)} ago"
    if machine.afterwards == "keep":
        return None
    run = one.run
    if run is not None and run.final:
        over = run.stopped_at or run.updated_at
        # One that was started again since then is there for something else.
        if over >= machine.launched_at:
            since = now - over
            return f"its run ended {age(since)} ago" if since > _AFTER_RUN else None
    if machine.origin == machine_tags.CREATED and not one.busy:
        idle, idles = now - machine.launched_at, _idles(machine.tags.get(machine_tags.IDLE_MINUTES))
        if idles is not None and idle > idles + _LATE:
            return f"it has run nothing since it was started {age(idle)} ago"
    return None


def _idles(text: str | None) -> timedelta | None:
    """How long a machine may be idle; None: as long as it likes, or nobody knows."""
    if text is None or not text.isdecimal() or not text.isascii() or len(text) > 6:
        return None
    return timedelta(minutes=int(text)) or None


@dataclass(frozen=True)
class Stale:
    """A machine that is to be ended, why, and how."""

    machine: MachineFacts
    why: str
    how: How
    # Why it is not stopped, though that was asked for.
    instead: str | None = None

    def __str__(self) -> str:
        """A line for people."""
        machine = self.machine
        kind = f"{machine.instance_type} {machine.market}"
        how = self.how if self.instead is None else f"{self.how}, since {self.instead}"
        return printable(f"{machine.told}  {kind}  {self.why}  -> {how}")


def find_stale(ec2: Ec2, deployed: Deployed | None, now: datetime) -> list[Stale]:
    """The stale machines of an environment.

    Raises:
        AccountError: AWS refuses, or fails.

    """
    found = ((one, why_stale(one, now)) for one in known(ec2, deployed))
    return [_planned(ec2, one.machine, why) for one, why in found if why is not None]


def _planned(ec2: Ec2, machine: MachineFacts, why: str) -> Stale:
    # What was given is not ours to terminate, unless somebody said so.
    created = machine.origin == machine_tags.CREATED
    if (machine.afterwards or ("terminate" if created else "stop")) == "terminate":
        return Stale(machine, why, "terminate")
    with reaching(f"looking how {machine.told} can be ended"):
        cannot = unstoppable(ec2, machine)
    return Stale(machine, why, "stop" if cannot is None else "terminate", cannot)


def end_stale(
    account: Account, deployed: Deployed | None, *, yes: bool, json_wanted: bool = False
) -> None:
    """End what should have ended, each as it was to, and make sure of it; ask first unless `yes`.

    Raises:
        MachineMayRun: one or more may still run; the text names them.
        AccountError: AWS refuses, or fails.
        click.Abort: the answer was no.

    """
    ec2 = Ec2.of(account)
    stale = find_stale(ec2, deployed, datetime.now(UTC))
    if stale and not yes:
        _confirm(stale)
        # While somebody thought about it one may have got work, or have ended.
        shown = {one.machine.instance_id for one in stale}
        again = find_stale(ec2, deployed, datetime.now(UTC))
        stale = [one for one in again if one.machine.instance_id in shown]
    ended = [(one, _end(ec2, one)) for one in stale]
    if json_wanted:
        click.echo(json.dumps([_as_json(one, outcome) for one, outcome in ended], indent=2))
    for one, outcome in ended:
        if not json_wanted and not isinstance(outcome, MachineMayRun):
            click.echo(printable(f"{one.machine.told}  {outcome.state}: {one.why}"))
    if not stale:
        click.echo(f"no machine of {ec2.stack_tag} in {account.region} is stale", err=True)
    failures = [outcome for _, outcome in ended if isinstance(outcome, MachineMayRun)]
    if failures:
        raise MachineMayRun("\n".join(error.message for error in failures))


def _confirm(stale: Sequence[Stale]) -> None:
    for one in stale:
        click.echo(one, err=True)
    what = "this machine" if len(stale) == 1 else f"these {len(stale)} machines"
    click.confirm(f"end {what}?", abort=True, err=True)


def _end(ec2: Ec2, one: Stale) -> MachineFacts | MachineMayRun:
    """The machine as it ends, or why it may still run: that keeps no other from being ended."""
    try:
        return end(ec2, one.machine, one.how)
    except MachineMayRun as error:
        return error


def _as_json(one: Stale, outcome: MachineFacts | MachineMayRun) -> dict[str, str | None]:
    """What became of a machine; without a state it may still run."""
    return {
        "instance_id": one.machine.instance_id,
        "name": one.machine.name,
        "why": one.why,
        "how": one.how,
        "state": None if isinstance(outcome, MachineMayRun) else outcome.state,
    }
