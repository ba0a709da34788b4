"""A machine that is busy: nothing changes under what runs there, but that it may end later."""

from datetime import datetime, timedelta

from cli.account import Account
from cli.asking import AccountError
from cli.remote.agent_calls import Checked
from cli.remote.machine import MachineFacts
from cli.remote.options import Action, Wanted
from cli.remote.tagging import Owner, tags_of
from cli.shown import command
from shared import machine_tags

# Whose a machine is stays as it was.
_NOT_COMPARED = {machine_tags.ENDS, machine_tags.BY}


def later_end(
    wanted: Wanted, owner: Owner, machine: MachineFacts, checked: Checked, now: datetime
) -> datetime | None:
    """The machine's end, if a later one is all that would change; else None."""
    before = checked.ends_at or machine.ends_at
    if not wanted.new_end or before is None or machine.origin is None:
        return None
    ends_at = now + timedelta(hours=wanted.max_hours)
    tags = tags_of(wanted, owner, origin=machine.origin, name=None, ends_at=ends_at)
    same = all(machine.tags.get(key) == tags[key] for key in tags.keys() - _NOT_COMPARED)
    return ends_at if same and ends_at > before and wanted.actions == (Action.START,) else None


def busy(account: Account, wanted: Wanted, machine: MachineFacts, run_id: str) -> AccountError:
    """The error that names the run which a machine is busy with, and what can be done."""
    stop = command(account, "runs", "stop", run_id)
    message = f"{machine.told} is busy with run {run_id}: wait for its end, or {stop}"
    idle = machine.tags.get(machine_tags.IDLE_MINUTES)
    if Action.START in wanted.actions and machine.origin is not None and idle is not None:
        named = ("--instance", machine.instance_id)
        terms = ("--max-hours", "HOURS", "--idle-minutes", idle)
        later = command(account, "remote", "start", *named, *terms)
        message += f"; a later end, and nothing else, can be set meanwhile: {later}"
    return AccountError(message)
