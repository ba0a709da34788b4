"""The commands `runs stop` and `runs rerun`."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import click

from cli.account import Account, AccountError, account_options
from cli.asking import reaching
from cli.examples import example
from cli.runs.finding import RunReference, find
from cli.runs.machines import NOT_KEPT, again, ends_with
from cli.runs.stack import RunsStack
from cli.runs.watching import watch_run
from cli.runs.wording import as_json, candidate, name
from cli.shown import command, printable, printable_lines
from shared import control
from shared.errors import Rejected
from shared.runs import Run

_references = click.argument(
    "references", type=RunReference(), metavar="RUN...", nargs=-1, required=True
)
_json = click.option("--json", "json_wanted", is_flag=True, help="Print the runs as JSON.")


@click.command(
    epilog=example(
        "cloud-runner runs stop 4f2a9c --why 'the wrong branch'",
        "cloud-runner runs stop 4f2a9c 77be01 --yes",
    )
)
@_references
@account_options
@click.option(
    "--why",
    default="asked for on the command line",
    show_default=True,
    metavar="TEXT",
    help="Why, in words; the commit's status shows it.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def stop(
    account: Account, references: Sequence[str], *, why: str, yes: bool, json_wanted: bool
) -> None:
    """Stop runs: their jobs are terminated, and the commit's status says by whom and why.

    The machine of a run that has one of one's own is terminated or stopped, as was asked for it.
    RUN is a run's id or a commit, or the first characters of either.
    """
    stack = RunsStack.of(account)
    runs = _find(stack, references)
    for run in runs:
        if not yes:
            click.echo(candidate(run), err=True)
        if run.machine is not None and not run.final:
            click.echo(f"{run.run_id}: {ends_with(run.machine)}", err=True)
    if not yes:
        click.confirm("stop these?" if len(runs) > 1 else "stop it?", abort=True, err=True)
    with reaching("stopping runs"):
        by = name(stack.requests.who())

    def stop_one(run: Run) -> Run:
        return control.stop(
            run.run_id,
            by=by,
            why=why,
            now=datetime.now(UTC),
            runs=stack.records,
            jobs=stack.jobs,
            machines=None if run.machine is None else stack.machines,
            publisher=stack.requests.publisher,
        )

    stopped = _each(runs, stop_one, f"stopping, as {by}", json_wanted=json_wanted)
    if stopped:
        last = command(account, "runs", "watch", stopped[-1].run_id)
        click.echo(f"it ends within a minute or so: {last}", err=True)
    _check(runs, stopped, "stopped")


@click.command(
    epilog=example("cloud-runner runs rerun 4f2a9c", "cloud-runner runs rerun 4f2a9c --watch")
)
@_references
@account_options
@click.option("--watch", is_flag=True, help="Watch them until they are over, one after the other.")
@_json
def rerun(account: Account, references: Sequence[str], *, watch: bool, json_wanted: bool) -> None:
    """Run again what is over: another attempt of the same commit, with what it was asked to do.

    RUN is a run's id or a commit, or the first characters of either.
    """
    if watch and json_wanted:
        message = "--watch and --json are two kinds of output: leave out one"
        raise click.UsageError(message)
    stack = RunsStack.of(account)
    runs = _find(stack, references)

    def rerun_one(run: Run) -> Run:
        if run.machine is not None:
            typed = again(account, run, run.machine)
            message = (
                f"run {run.run_id} had a machine of one's own; the same work once more is\n"
                f"  {printable(typed)}\nwith what the record does not keep, as it was: {NOT_KEPT}"
            )
            raise AccountError(message)
        return control.rerun(
            run.run_id,
            now=datetime.now(UTC),
            runs=stack.records,
            publisher=stack.requests.publisher,
        )

    begun = _each(runs, rerun_one, "asked for again", json_wanted=json_wanted)
    if watch:
        for run in begun:
            watch_run(stack, run)
    elif begun:
        last = command(account, "runs", "watch", begun[-1].run_id)
        click.echo(f"to watch it: {last}", err=True)
    _check(runs, begun, "run again")


def _find(stack: RunsStack, references: Sequence[str]) -> list[Run]:
    """The runs that are meant, each once; nothing is done where one of them is not clear."""
    found = [find(stack.records, reference, stack.account) for reference in references]
    return list({run.run_id: run for run in found}.values())


def _each(
    runs: Sequence[Run], act: Callable[[Run], Run], done: str, *, json_wanted: bool
) -> list[Run]:
    """What `act` made of each run; what cannot be done to one does not keep it from the others."""
    changed = []
    for run in runs:
        try:
            with reaching(f"run {run.run_id}"):
                after = act(run)
        except AccountError as error:
            # What `shared` says quotes what others have written, and is one line.
            quoted = isinstance(error.__cause__, Rejected)
            shown = (printable if quoted else printable_lines)(error.message)
            click.echo(f"Error: {shown}", err=True)
            continue
        changed.append(after)
        if not json_wanted:
            click.echo(f"{after.run_id}  attempt {after.attempt}  {done}")
    if json_wanted:
        click.echo(json.dumps([as_json(run) for run in changed], indent=2))
    return changed


def _check(runs: Sequence[Run], done: Sequence[Run], what: str) -> None:
    if len(done) < len(runs):
        message = f"{len(runs) - len(done)} of {len(runs)} could not be {what}"
        raise click.ClickException(message)
