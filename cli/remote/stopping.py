"""The record of a run whose machine is ended by hand: it says by whom, and that it was meant."""

from datetime import UTC, datetime

import click

from cli.asking import AccountError, reaching
from cli.remote.consent import open_run
from cli.remote.ending import How
from cli.remote.machine import MachineFacts
from cli.runs.stack import RunsStack
from cli.runs.wording import name
from shared import control
from shared.errors import Rejected


def note_stop(stack: RunsStack | None, machine: MachineFacts, how: How) -> None:
    """Let the run of a machine that is about to be ended be stopped, and not failed.

    What cannot be written keeps nobody from ending the machine.
    """
    try:
        run = open_run(stack, machine)
        # Whoever finds the note ends the machine as well, and as the run says.
        if stack is None or run is None or run.machine is None:
            return
        if how == "stop" and run.machine.afterwards == "terminate":
            return
        with reaching("noting that the run is to stop"):
            control.stop(
                run.run_id,
                by=name(stack.requests.who()),
                why=f"its machine was ended: cloud-runner remote {how}",
                now=datetime.now(UTC),
                runs=stack.records,
                jobs=stack.jobs,
                publisher=stack.requests.publisher,
            )
    except (AccountError, Rejected) as error:
        click.echo(f"note: {error}", err=True)
