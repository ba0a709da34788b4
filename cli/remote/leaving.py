"""What is left behind when an action fails or is interrupted: nothing that runs unnoticed.

Once an experiment has begun, its machine ends itself. Before that it is the command's: what it made
is terminated, what it started is stopped. Where that cannot be made sure of, the exit code, the
message and the notification say so. Who interrupts it again is heard when EC2 has been asked.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import click

from cli.endings import MachineMayRun
from cli.remote import ending
from cli.remote.course import Course
from cli.remote.interruptions import heard
from cli.remote.leftovers import clear
from cli.remote.machine import MachineFacts
from cli.remote.notifying import Notifier
from cli.remote.options import WORK, Action
from cli.remote.reach import Unanswered
from shared import machine_tags
from shared.errors import Rejected, Unavailable

_ENDS: Final[Mapping[Action, ending.How]] = {Action.STOP: "stop", Action.TERMINATE: "terminate"}


def leave(course: Course, action: Action, error: BaseException, rest: Sequence[Action]) -> None:
    """End what the call has brought to run, after `action` failed with `error`.

    Of the actions that are left (`rest`) one that ends the machine is done all the same, unless the
    machine was given, and runs nothing of this call.

    Raises:
        MachineMayRun: it may still run; whoever is to be notified has been.

    """
    if isinstance(error, MachineMayRun):
        # Whoever watches over an experiment notifies for itself.
        if course.run_id is None:
            _notify(course, error)
        return
    try:
        _end(course, action, error, rest)
    except MachineMayRun as may_run:
        _notify(course, may_run)
        raise may_run from error


def _end(course: Course, action: Action, error: BaseException, rest: Sequence[Action]) -> None:
    machine, why = course.machine, _words(error)
    if machine is None:
        _clear(course)
        return
    next_end = next((_ENDS[one] for one in rest if one in _ENDS), None)
    end = next_end if isinstance(error, Exception) else None
    if course.run_id is not None:
        if end is not None:
            _end_as(course, machine, end, action, error)
        elif next_end is not None and course.wanted.then == "keep":
            message = f"{why}: {next_end} was not waited for, and --afterwards keeps it"
            raise ending.may_run(course.ec2, machine, message)
        elif next_end is not None:
            click.echo(f"{machine.told} ends itself: {next_end} was not waited for", err=True)
    elif course.ordered and isinstance(error, Unanswered):
        raise ending.may_run(course.ec2, machine, f"{why}: its watchdog ends it when it is time")
    elif course.brought is None:
        # It may be busy with what somebody else runs there.
        _say_of_a_given_one(course, machine, action, why)
    elif end is None and course.wanted.then == "keep" and course.watched:
        raise ending.may_run(course.ec2, machine, f"{why}: it is kept, as --afterwards says")
    else:
        undo: ending.How = "terminate" if course.brought == "created" else "stop"
        _end_as(course, machine, end or undo, action, error)


def _clear(course: Course) -> None:
    """End what EC2 may have made though it did not say so."""
    launch = course.prepared.launch
    if launch is None or course.brought != "created":
        return
    for ended in clear(course.ec2, launch.tags, spot=launch.spot):
        click.echo(f"{ended.told} was made all the same: it is {ended.state}", err=True)


def _end_as(
    course: Course, machine: MachineFacts, how: ending.How, action: Action, error: BaseException
) -> None:
    doing, why = "terminating" if how == "terminate" else "stopping", _words(error)
    # An error is told when the command ends by it: in one place, and whole.
    briefly = f"{action} did not succeed" if isinstance(error, Exception) else why
    click.echo(f"{doing} {machine.told}: {briefly}", err=True)
    ended = ending.end(course.ec2, machine, how, f"{why}; {doing} it: ")
    click.echo(f"{machine.told} is {ended.state}", err=True)


def _say_of_a_given_one(course: Course, machine: MachineFacts, action: Action, why: str) -> None:
    """It ran before, and runs: that is nobody's surprise if something ends it."""
    if action not in WORK or machine.state != "running":
        return
    if not course.guarded:
        message = f"{why}: it ran before, and nothing is known that would end it"
        raise ending.may_run(course.ec2, machine, message)
    latest = "" if machine.ends_at is None else f", at {machine.ends_at:%Y-%m-%d %H:%M} UTC at last"
    click.echo(f"note: {machine.told} runs as before; its watchdog ends it{latest}", err=True)


def _notify(course: Course, may_run: MachineMayRun) -> None:
    now = datetime.now(UTC)
    machine = course.machine
    if machine is None:
        launch = course.prepared.launch
        if launch is None:
            return
        # EC2 did not say which one it is.
        machine = MachineFacts(
            instance_id=launch.tags[machine_tags.NAME],
            state="pending",
            instance_type=launch.specification.arguments["InstanceType"],
            market=launch.market,
            launched_at=now,
            image_id=launch.specification.arguments["ImageId"],
            zone="",
        )
    # The exit code is not to be that of an interruption now.
    with suppress(KeyboardInterrupt, SystemExit), heard():
        Notifier(course.wanted.notify).not_terminated(machine, may_run.message, now)


def _words(error: BaseException) -> str:
    match error:
        case click.ClickException():
            return error.message
        case Rejected() | Unavailable():
            return str(error)
        case KeyboardInterrupt():
            return "interrupted"
        case SystemExit():
            return "ended by a signal"
    return f"{type(error).__name__}: {error}"
