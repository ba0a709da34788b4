"""The actions of `remote`: each takes the machine as the one before has left it."""

from collections.abc import Callable, Mapping
from typing import Final

import click

from cli.asking import AccountError, reaching
from cli.remote import ending
from cli.remote.arming import see_watchdog
from cli.remote.course import Course
from cli.remote.experiment import run_experiment
from cli.remote.launching import await_running, launch
from cli.remote.machine import MachineFacts
from cli.remote.options import Action
from cli.remote.order import preparation
from cli.remote.preparing import needed
from cli.remote.refusals import Refused, refusing
from cli.remote.stopping import note_stop
from cli.remote.tagging import write_tags
from shared.aws import calling
from shared.runs import Run


def create(course: Course) -> None:
    """Make a machine; it counts as made when it can be reached and its watchdog lives."""
    wanted = needed(course.prepared.launch)
    ec2 = course.ec2
    with reaching("making a machine"):
        # Before the answer, which may be lost.
        course.brought, course.shutdown = "created", wanted.shutdown
        try:
            course.machine = machine = launch(ec2, wanted)
        except Refused as refusal:
            if not (refusal.kept and wanted.spot):
                course.brought = None
            raise
        kind = f"{machine.instance_type} {machine.market} in {machine.zone}"
        click.echo(f"{machine.told} is made: {kind}", err=True)
        since = ec2.waiting.monotonic()
        course.machine = await_running(ec2, machine, course.left(since))
        click.echo(f"{machine.told} runs; waiting until it can be reached", err=True)
        agent = course.reach(course.left(since))
        course.watch(see_watchdog(agent, course.terms(), ec2.waiting, course.left(since)))
    _say_its_end(course)


def tag(course: Course) -> None:
    """Tag the machine as is wanted; one that was just made is tagged already."""
    machine = course.has()
    if course.brought != "created":
        with reaching(f"tagging {machine.told}"):
            write_tags(course.ec2, machine.instance_id, course.wanted.tags)
    click.echo(f"{machine.told} is tagged", err=True)


def start(course: Course) -> None:
    """Start the machine and its watchdog anew; one that runs gets new terms, unless it is busy."""
    ec2, machine = course.ec2, course.has()
    since = ec2.waiting.monotonic()
    with reaching(f"starting {machine.told}"):
        if machine.state == "stopping":
            click.echo(f"waiting until {machine.told} is stopped", err=True)
            _await_stopped(course, machine, since)
        runs = machine.state in ("pending", "running")
        if not runs:
            # Before it starts: a machine without this would be nobody's if we were killed.
            course.mark()
            _ask_to_start(course, machine)
        course.machine = await_running(ec2, course.has(), course.left(since))
        agent = course.reach(course.left(since))
        if runs:
            course.renew(agent)
        else:
            course.arm(agent)
    _say_its_end(course)


def setup(course: Course) -> None:
    """Make ready what an experiment needs."""
    agent = course.take()
    click.echo(f"setting up {course.has().told}", err=True)
    prepared = course.prepared
    agent.setup(preparation(needed(prepared.work), needed(prepared.stack).deployed))


def experiment(course: Course) -> None:
    """Run an experiment, and watch over it."""

    def begun(run: Run) -> None:
        course.run_id = run.run_id

    agent = course.take()
    stack, work = needed(course.prepared.stack), needed(course.prepared.work)
    course.ordered = True
    run_experiment(course.wanted, course.has(), agent, stack, work=work, on_begun=begun)


def stop(course: Course) -> None:
    """Stop the machine."""
    _end(course, "stop")


def terminate(course: Course) -> None:
    """Terminate the machine."""
    _end(course, "terminate")


STEPS: Final[Mapping[Action, Callable[[Course], None]]] = {
    Action.CREATE: create,
    Action.TAG: tag,
    Action.START: start,
    Action.SETUP: setup,
    Action.EXPERIMENT: experiment,
    Action.STOP: stop,
    Action.TERMINATE: terminate,
}


# Its disks outlive the one, and not the other.
_ITSELF: Final[Mapping[ending.How | None, str]] = {
    "terminate": "terminates itself",
    "stop": "stops itself",
    None: "shuts itself down",
}


def _await_stopped(course: Course, machine: MachineFacts, since: float) -> None:
    def stopped() -> MachineFacts | None:
        now = course.ec2.describe(machine.instance_id)
        return now if now is not None and now.state == "stopped" else None

    if course.ec2.waiting.until(stopped, course.left(since)) is None:
        message = f"{machine.told} does not come to a stop: it can be started after that"
        raise AccountError(message)


def _ask_to_start(course: Course, machine: MachineFacts) -> None:
    doing = f"asking EC2 to start {machine.told}"
    # Before the answer, which may be lost.
    course.brought = "started"
    try:
        with calling(doing), refusing(doing):
            course.ec2.client.start_instances(InstanceIds=[machine.instance_id])
    except Refused:
        course.brought = None
        raise
    click.echo(f"{machine.told} starts", err=True)


def _end(course: Course, how: ending.How) -> None:
    ec2, machine = course.ec2, course.has()
    with reaching(f"looking at {machine.told}"):
        now = ec2.describe(machine.instance_id) or machine
    if now.state not in ending.ENDED[how]:
        note_stop(course.prepared.stack, now, how)
        now = ending.end(ec2, now, how)
    course.machine = now
    click.echo(f"{now.told} is {now.state}", err=True)


def _say_its_end(course: Course) -> None:
    machine, wanted = course.has(), course.wanted
    ends = [f"at {machine.ends_at:%Y-%m-%d %H:%M} UTC at the latest"] if machine.ends_at else []
    if wanted.idle_minutes and wanted.then != "keep":
        ends.append(f"after {wanted.idle_minutes} min without an experiment")
    itself = _ITSELF[course.shutdown]
    click.echo(f"{machine.told} is ready; it {itself} {' or '.join(ends)}", err=True)
