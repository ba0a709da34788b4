"""The commands `runs list` and `runs show`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import click

from cli.account import Account, account_options
from cli.asking import reaching
from cli.examples import example
from cli.runs.finding import STATES, RunReference, find
from cli.runs.machines import NOT_KEPT, again
from cli.runs.page import described
from cli.runs.selecting import Wanted
from cli.runs.stack import RunsStack
from cli.runs.wording import HEAD, SHORT, as_json, row
from cli.shown import command, table
from cli.typed import FullName, Span
from shared.events import State
from shared.runs import Run


@click.command(
    "list",
    epilog=example(
        "cloud-runner runs list --state failed --since 7d",
        "cloud-runner runs list --repository my-team/churn --branch main --json",
    ),
)
@account_options
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    help="Only runs in this state. May be given again.",
)
@click.option("--repository", type=FullName(), help="Only this repository's.")
@click.option("--branch", metavar="NAME", help="Only this branch's.")
@click.option("--commit", metavar="HASH", help="Only this commit's, full or its beginning.")
@click.option(
    "--since",
    type=Span(),
    metavar="SPAN",
    help="Only runs that have changed within this time, as in 12h, 7d or 4w.",
)
@click.option(
    "--by", metavar="NAME", help="Only those that somebody asked for, by a part of their name."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many."
)
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def list_runs(
    account: Account,
    *,
    states: Sequence[State],
    repository: str | None,
    branch: str | None,
    commit: str | None,
    since: timedelta | None,
    by: str | None,
    limit: int,
    json_wanted: bool,
) -> None:
    """List runs, the one that changed last first."""
    now = datetime.now(UTC)
    wanted = Wanted(
        states=states,
        repository=repository,
        branch=branch,
        commit=commit,
        since=None if since is None else now - since,
        by=by,
    )
    stack = RunsStack.of(account)
    with reaching("listing runs"):
        found = list(islice(wanted.select(stack.records), limit + 1))
    shown = found[:limit]
    if json_wanted:
        click.echo(json.dumps([as_json(run) for run in shown], indent=2))
        return
    _show(shown, account, now)
    if len(found) > limit:
        click.echo(f"\nthere are more: --limit {limit * 5} shows more of them", err=True)
    if not found:
        what = "no runs yet" if wanted == Wanted() else "no run fits"
        click.echo(f"{what} in {account.stack}", err=True)


def _show(runs: Sequence[Run], account: Account, now: datetime) -> None:
    if not runs:
        return
    for line in table(HEAD, [row(run, now) for run in runs]):
        click.echo(line)
    one = command(account, "runs", "show", runs[0].run_id[:SHORT])
    click.echo(f"\nmore of one: {one}", err=True)


@click.command(
    epilog=example(
        "cloud-runner runs show 4f2a9c",
        "cloud-runner runs show 4f2a9c --json",
    )
)
@click.argument("reference", type=RunReference(), metavar="RUN")
@account_options
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def show(account: Account, reference: str, *, json_wanted: bool) -> None:
    """Show a run: what it was asked to do, its job or machine, its times, how it ended.

    RUN is its id or a commit, or the first characters of either, at least four.
    """
    stack = RunsStack.of(account)
    run = find(stack.records, reference, account)
    if json_wanted:
        click.echo(json.dumps(as_json(run), indent=2))
        return
    for line in described(run, datetime.now(UTC)):
        click.echo(line)
    click.echo("", err=True)
    for words in _next(run):
        click.echo(command(account, "runs", words, run.run_id[:SHORT]), err=True)
    if run.final and run.machine is not None:
        click.echo(again(account, run, run.machine), err=True)
        click.echo(f"  (the record does not keep {NOT_KEPT})", err=True)


def _next(run: Run) -> Sequence[str]:
    """What can be done about a run."""
    if not run.final:
        return ("watch", "logs", "stop")
    if run.unreadable:
        return ()
    if run.machine is not None:
        return ("logs",) if run.started_at is not None else ()
    return ("logs", "rerun") if run.job is not None else ("rerun",)
