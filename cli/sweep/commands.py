"""The group `sweep`."""

import click

from cli.examples import example
from cli.sweep.looking import list_sweeps, show, stop
from cli.sweep.reporting import fetch, results
from cli.sweep.starting import run


@click.group(
    epilog=example(
        "cloud-runner sweep run @sweep.yaml @space.yaml",
        "cloud-runner sweep list",
        "cloud-runner sweep results 4f2a --picture sweep.png",
    )
)
def sweep() -> None:
    """Sweeps: one program with many sets of parameters, in array jobs of AWS Batch.

    A sweep is begun by `sweep run`, or by a commit with the keyword SWEEP; the other commands know
    both. SWEEP is a sweep's id or its beginning. docs/sweeps.md tells of all of it.
    """


for one in (run, list_sweeps, show, results, fetch, stop):
    sweep.add_command(one)
