"""The command `runs watch`: one run, or all that are open."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import click
from rich.live import Live
from rich.text import Text

from cli.account import Account, account_options
from cli.asking import asking, reaching
from cli.console import console
from cli.endings import NotSuccessful, ended_by_ctrl_c
from cli.examples import example
from cli.patience import Patience
from cli.runs.finding import RunReference, find, newest_first
from cli.runs.following import Changes, ended, follow
from cli.runs.lines import plain
from cli.runs.machines import left
from cli.runs.stack import RunsStack
from cli.runs.wording import HEAD, SHORT, row, state
from cli.shown import command, printable, table
from shared.events import RunId
from shared.runs import OPEN_STATES, Run

# The index is behind the table by a moment: what was asked for just now may not be in it yet.
_ENOUGH = 2
# Of a reason that stands in full among the changes; the error only tells which one it was.
_SHORT_REASON = 100


@click.command(epilog=example("cloud-runner runs watch 4f2a9c", "cloud-runner runs watch"))
@click.argument("reference", type=RunReference(), metavar="[RUN]", required=False)
@account_options
def watch(account: Account, reference: str | None) -> None:
    """Watch a run until it is over, with its log; without RUN, all that are open.

    The exit code is 3 if a run that was watched did not succeed. What it prints is for people, in
    a pipe a line for each change: for programs there is `runs show --json`.
    """
    stack = RunsStack.of(account)
    if reference is not None:
        watch_run(stack, find(stack.records, reference, account))
        return
    with ended_by_ctrl_c():
        _watch_open(stack)


def watch_run(stack: RunsStack, run: Run) -> None:
    """Tell each change of a run and each line of its log, until it is over.

    Raises:
        NotSuccessful: it did not succeed.

    """
    run_id = run.run_id
    goes_on = f"the run goes on; to end it: {command(stack.account, 'runs', 'stop', run_id)}"
    sweep = run.asked.sweep
    # An array's parent says nothing, and its points say too much.
    log = None if sweep is not None and sweep.size > 1 else stack.log(run)
    changes = Changes()
    with ended_by_ctrl_c(goes_on), reaching("watching a run"):
        for now, said in follow(lambda: stack.look(run_id), log, stack.pace):
            run = now
            # The end is told when the last lines of the log are.
            if not run.final:
                _say_changes(changes, run)
            for line in said:
                click.echo(f"  | {plain(line)}")
        _say_changes(changes, run)
    if (kept := left(stack.account, run)) is not None:
        click.echo(kept, err=True)
    if run.state != "succeeded":
        message = f"run {run_id} {ended(run, _SHORT_REASON)}"
        raise NotSuccessful(message)


def _say_changes(changes: Changes, run: Run) -> None:
    for line in changes.new(run):
        click.echo(printable(line))


def _watch_open(stack: RunsStack) -> None:
    """Show the open runs until none is, and tell of each how it ended."""
    known: dict[RunId, Run] = {}
    failed: list[Run] = []
    looks_at_nothing = 0
    patience = Patience(lambda: stack.pace.sleep(stack.pace.seconds))
    with (
        reaching("watching the open runs"),
        Live(console=console, refresh_per_second=4, transient=True) as live,
    ):
        while True:
            now_open = {run.run_id: run for run in patience.ask(lambda: _open(stack))}
            gone = [run_id for run_id in known if run_id not in now_open]
            over = [patience.ask(partial(stack.look, run_id)) for run_id in gone]
            # Between two states the index may show a run in neither.
            now_open |= {run.run_id: run for run in over if not run.final}
            ends = [run for run in over if run.final]
            failed += [run for run in ends if run.state != "succeeded"]
            _tell(ends, known, now_open, live)
            known = now_open
            looks_at_nothing = 0 if known else looks_at_nothing + 1
            if looks_at_nothing == _ENOUGH:
                break
            stack.pace.sleep(stack.pace.seconds)
    if failed:
        message = f"{len(failed)} of the runs that were watched did not succeed"
        raise NotSuccessful(message)
    click.echo("no run is open", err=True)


def _open(stack: RunsStack) -> Sequence[Run]:
    with asking("listing open runs"):
        return list(newest_first(stack.records.latest(one) for one in OPEN_STATES))


def _tell(
    ends: Sequence[Run], known: dict[RunId, Run], now_open: dict[RunId, Run], live: Live
) -> None:
    if console.is_terminal:
        for run in ends:
            live.console.print(Text(printable(f"{run.run_id[:SHORT]}  {ended(run)}")))
        live.update(_table(list(now_open.values())), refresh=True)
        return
    for run in now_open.values():
        if run.run_id not in known or state(run) != state(known[run.run_id]):
            click.echo(_line(run, state(run)))
    for run in ends:
        click.echo(_line(run, ended(run)))


def _table(runs: Sequence[Run]) -> Text:
    rows = [row(run, datetime.now(UTC)) for run in runs]
    return Text("\n".join(table(HEAD, rows)), no_wrap=True, overflow="ellipsis")


def _line(run: Run, words: str) -> str:
    where = " ".join(
        part for part in (run.repository and run.repository.full_name, run.branch) if part
    )
    return printable(f"{run.run_id[:SHORT]}  {where}  {words}")
