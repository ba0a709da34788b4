"""What somebody is asked before a machine is ended: a look at what that would destroy."""

import click

from cli.asking import reaching
from cli.remote.machine import MachineFacts
from cli.remote.options import Action, Wanted
from cli.runs.stack import RunsStack
from cli.runs.wording import asks
from cli.shown import printable
from shared import machine_tags
from shared.events import RunId
from shared.runs import Run


def ask(stack: RunsStack | None, machine: MachineFacts, wanted: Wanted) -> None:
    """Ask before a machine is terminated that we did not make, or ended while it runs something.

    Raises:
        click.Abort: the answer was no.

    """
    if wanted.yes:
        return
    ends = next((one for one in wanted.actions if one in (Action.STOP, Action.TERMINATE)), None)
    if machine.origin != machine_tags.CREATED and Action.TERMINATE in wanted.actions:
        click.echo(
            printable(f"{machine.told} was not made by this command: {machine.instance_type}"),
            err=True,
        )
        click.confirm("terminate it, with what is on it?", abort=True, err=True)
    # What comes first is done to what runs there now.
    run = open_run(stack, machine) if ends is not None and wanted.actions[0] is ends else None
    if run is not None:
        click.echo(f"{machine.told} runs {run.run_id}: {printable(asks(run))}", err=True)
        click.confirm(f"{ends} it all the same?", abort=True, err=True)


def open_run(stack: RunsStack | None, machine: MachineFacts) -> Run | None:
    """The run that a machine has and that is not over; None if there is none.

    Without a stack, which may be gone before its machines, there are no records of runs.
    """
    if stack is None or machine.run_id is None or machine.state != "running":
        return None
    with reaching(f"looking at the run of {machine.told}"):
        run = stack.records.get(RunId(machine.run_id))
    return None if run is None or run.final else run
