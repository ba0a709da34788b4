"""The action `experiment`: let a machine begin a run, and watch over both until they are over.

From the moment that the machine has begun, the experiment and its own end are the machine's affair:
whatever happens to this command, it neither ends the one nor prevents the other.
"""

from collections.abc import Callable

import click

from cli.remote.beginning import Beginning, Begins
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.options import Wanted
from cli.remote.overseeing import oversee
from cli.remote.work import Work
from cli.runs.stack import RunsStack
from cli.shown import command
from shared.runs import Run


def run_experiment(
    wanted: Wanted,
    machine: MachineFacts,
    agent: Begins,
    stack: RunsStack,
    *,
    work: Work,
    on_begun: Callable[[Run], None],
) -> None:
    """Run an experiment on a machine that is set up; return when both have ended.

    With `wanted.detach` it returns once the machine has begun. `work` is what was found before the
    machine was made. `on_begun` hears of the run that the machine has begun: from then on the
    machine ends itself, and nobody need end it in its place.

    Raises:
        NotBegun, Unanswered, Unreachable, AccountError: as `Beginning.begin`.
        NotSuccessful: it has ended, and not well; the machine has ended too.
        MachineMayRun: the machine has not ended, or that is not known.

    """
    ec2 = Ec2.of(stack.account)
    run = Beginning(stack, ec2, agent, wanted, machine, work).begin()
    on_begun(run)
    typed = {verb: command(stack.account, "runs", verb, run.run_id) for verb in ("watch", "stop")}
    click.echo(f"run {run.run_id} has begun on {machine.told}", err=True)
    click.echo(f"to watch it: {typed['watch']}; to end it: {typed['stop']}", err=True)
    if not wanted.detach:
        oversee(stack, ec2, run, machine, wanted.notify)
