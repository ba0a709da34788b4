"""The command `sweep run`."""

from collections.abc import Sequence
from pathlib import Path

import click

from cli.account import Account, account_options
from cli.asking import reaching
from cli.examples import example
from cli.shown import command, printable
from cli.sweep.config import Plan, read
from cli.sweep.preparing import Prepared, described, locked, prepare
from cli.sweep.running import run as run_sweep
from cli.sweep.strategies import open_strategy
from cli.sweep.trace import look
from cli.sweep.trace_state import TraceState
from cli.sweep.wording import scalar

# Beyond so many points somebody is asked first: each is a container.
_UNASKED = 100
_SHOWN = 5


@click.command(
    epilog=example(
        "cloud-runner sweep run @sweep.yaml @space.yaml",
        "cloud-runner sweep run @tune_batch.yaml @workloads.yaml --set ntrial=200 --yes",
        "cloud-runner sweep run @sweep.yaml --dry-run",
        "# interrupted, or the laptop slept: the same again goes on",
        "cloud-runner sweep run @sweep.yaml --trace-file tuning.trace",
    )
)
@click.argument("words", nargs=-1, required=True, metavar="@FILE...")
@account_options
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="A key of the files, over them all."
)
@click.option(
    "--trace-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What is done is noted there; with the trace of an interrupted sweep that one goes on.",
)
@click.option("--commit-table-name", metavar="NAME", help="A DynamoDB table for the best results.")
@click.option("--commit-nbest", type=click.IntRange(1, 100), help="How many are kept for a target.")
@click.option("--commit-log-to", metavar="S3_URI", help="Where complete logs go.")
@click.option("--yes", is_flag=True, help=f"Do not ask before more than {_UNASKED} points.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def run(
    account: Account,
    words: Sequence[str],
    sets: Sequence[str],
    *,
    trace_file: Path | None,
    commit_table_name: str | None,
    commit_nbest: int | None,
    commit_log_to: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Run a program with many sets of parameters, and watch it.

    Each @FILE is a YAML mapping of options; later files win over earlier ones, --set over all. The
    points go out as array jobs; while they run, a bar shows how many are done, the best so far and
    the time that is left. Ctrl-C asks whether to leave them running or to stop them. Whatever
    interrupts it, the same command with the same --trace-file goes on, and submits nothing twice.

    It ends with code 3 if more points failed than are tolerated, or if points are left that were
    stopped or not sent.
    """
    options = {
        "commit-table-name": commit_table_name,
        "commit-nbest": commit_nbest,
        "commit-log-to": commit_log_to,
    }
    given = [f"{key}={value}" for key, value in options.items() if value is not None]
    plans = read(words, [*sets, *given])
    if dry_run:
        known = look(trace_file) if trace_file is not None and trace_file.exists() else TraceState()
        _describe(prepare(account, plans, known.sweep_id or "", known))
        for line in _first_points(plans):
            click.echo(line)
        click.echo("nothing was done: --dry-run")
        return
    sweep_id, trace = locked(trace_file, plans)
    with trace:
        prepared = prepare(account, plans, sweep_id, trace.state)
        _describe(prepared)
        count, more = sum(prepared.left), "more " if prepared.known.waves else ""
        if count > _UNASKED and not yes:
            click.confirm(f"send {count:,} {more}points?", abort=True)
        click.echo(f"sweep {sweep_id}, trace {trace.path}")
        typed = [word for one in [*sets, *given] for word in ("--set", one)]
        file = ("--trace-file", str(trace.path))
        run_sweep(prepared, trace, command(account, "sweep", "run", *words, *typed, *file))


def _describe(prepared: Prepared) -> None:
    for line in described(prepared):
        click.echo(printable(line))


def _first_points(plans: Sequence[Plan]) -> Sequence[str]:
    lines = []
    for plan in plans:
        with reaching("choosing points"):
            points = open_strategy(plan).ask(_SHOWN)
        label = f" of {plan.target}" if plan.target else ""
        lines.append(f"the first points{label}:")
        for point in points:
            said = " ".join(f"{name}={scalar(value)}" for name, value in point.items())
            lines.append(f"  {printable(said)}")
        if plan.trials > len(points):
            lines.append(f"  and {plan.trials - len(points):,} more")
    return lines
