"""The group `runs`."""

import click

from cli.examples import example
from cli.runs.acting import rerun, stop
from cli.runs.looking import list_runs, show
from cli.runs.reading import logs
from cli.runs.submitting import submit
from cli.runs.watching import watch


@click.group(epilog=example("cloud-runner runs list", "cloud-runner runs submit --watch"))
def runs() -> None:
    """Runs: list, watch and read them, stop them, ask for more of them."""


for one in (list_runs, show, logs, watch, stop, rerun, submit):
    runs.add_command(one)
