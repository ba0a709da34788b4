"""`python -m tests.chaos [--pushes 200] [--seed n]`: pushes through a storm, and what is left."""

import random
import signal
import sys
from pathlib import Path

import click

from cli.console import step
from cli.local_projects import join
from local.layout import DEFAULT_STATE, StackError, StateDir
from local.stack import running
from tests.chaos.plan import JOBS, WORKSPACE, planned
from tests.chaos.stack import PARAMETERS
from tests.chaos.weather import weather


@click.command(name="python -m tests.chaos")
@click.option("--pushes", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--seed", type=int, show_default="a new one", help="Whose course it is.")
@click.option(
    "--pause",
    type=click.FloatRange(min=0),
    default=0.6,
    show_default=True,
    help="Seconds between two pushes, on average.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE / "chaos",
    show_default=".cloud-runner/chaos, in the project",
    help="Where the stack works, and where its logs are afterwards.",
)
def main(pushes: int, seed: int | None, pause: float, state_dir: Path) -> None:
    """Push through the embedded stack while its parts die; exit code 1 if anything is wrong then.

    Needs Linux, whose /proc tells which process is at work.
    """
    if sys.platform != "linux":
        message = "the storm needs Linux, whose /proc tells which process is at work"
        raise click.UsageError(message)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly end, as by Ctrl-C
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}: {pushes} pushes")
    state = StateDir(state_dir.resolve())
    repositories = [f"{WORKSPACE}/{slug}" for slug in JOBS]
    try:
        with running(
            state,
            step,
            join,
            repositories=repositories,
            parameters=PARAMETERS,
            keep_repositories=False,
        ) as stack:
            report = weather(stack, planned(pushes, seed, pause), seed)
    except StackError as error:
        raise click.ClickException(str(error)) from error
    click.echo()
    for line in report.lines():
        click.echo(line)
    for problem in report.problems:
        click.echo(f"WRONG: {problem}", err=True)
    if report.problems:
        click.echo(f"again with: python -m tests.chaos --pushes {pushes} --seed {seed}", err=True)
        sys.exit(1)
    click.echo(f"\nnothing lost, nothing doubled (seed {seed}): {report.sentence()}")


if __name__ == "__main__":
    main()
