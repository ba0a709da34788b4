"""The command `runs logs`."""

from collections.abc import Sequence

import click

from cli.account import Account, account_options
from cli.asking import reaching
from cli.endings import ended_by_ctrl_c
from cli.examples import example
from cli.runs.finding import RunReference, find
from cli.runs.following import ended, follow
from cli.runs.lines import plain
from cli.runs.machines import left
from cli.runs.stack import RunsStack
from cli.shown import command
from shared.runs import Run


@click.command(
    epilog=example(
        "cloud-runner runs logs 4f2a9c --tail 50",
        "cloud-runner runs logs 4f2a9c --follow",
        "cloud-runner runs logs 4f2a9c --attempt 1",
    )
)
@click.argument("reference", type=RunReference(), metavar="RUN")
@account_options
@click.option(
    "--follow", "-f", "following", is_flag=True, help="Go on until the run is over; wait for it."
)
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    metavar="N",
    help="Another attempt than the latest.",
)
@click.option(
    "--tail", type=click.IntRange(min=1), metavar="N", help="Only the last N lines, and what comes."
)
@click.option(
    "--point", type=click.IntRange(min=0), metavar="N", help="Of a sweep: its point of this index."
)
def logs(
    account: Account,
    reference: str,
    *,
    following: bool,
    attempt: int | None,
    tail: int | None,
    point: int | None,
) -> None:
    """Print what a run's job has said, or its machine.

    It comes from the log group of jobs; that of an earlier attempt, or of a point of a sweep, is
    the copy that was left in S3 at its end. RUN is a run's id or a commit, or the first characters
    of either.
    """
    stack = RunsStack.of(account)
    run = find(stack.records, reference, account)
    _check(account, run, attempt, point, following=following)
    if point is not None or attempt not in (None, run.attempt):
        _print_copy(stack, run, attempt or run.attempt, point, tail)
    elif following and not run.final:
        with ended_by_ctrl_c():
            _follow(stack, run, tail)
    else:
        _print(stack, run, tail)


def _check(
    account: Account, run: Run, attempt: int | None, point: int | None, *, following: bool
) -> None:
    sweep = run.asked.sweep
    if attempt is not None and attempt > run.attempt:
        message = f"run {run.run_id} has had {run.attempt} attempts, so far"
        raise click.UsageError(message)
    if point is not None and (sweep is None or point >= sweep.size):
        size = 0 if sweep is None else sweep.size
        message = f"run {run.run_id} has {size} points" if size else "--point is about a sweep"
        raise click.UsageError(message)
    if point is None and sweep is not None and sweep.size > 1:
        one = command(account, "runs", "logs", run.run_id, "--point", "0")
        message = f"each of the {sweep.size} points has a log of its own: {one}"
        raise click.UsageError(message)
    if following and (point is not None or attempt not in (None, run.attempt)):
        message = "what is over is not followed: leave out --follow"
        raise click.UsageError(message)


def _print_copy(
    stack: RunsStack, run: Run, attempt: int, point: int | None, tail: int | None
) -> None:
    with reaching("reading the copy of a log"):
        for page in stack.copy_of_log(run, attempt, point, tail):
            _say(page)


def _print(stack: RunsStack, run: Run, tail: int | None) -> None:
    log = stack.log(run, tail=tail)
    with reaching("reading a log"):
        for page in log.lines(run):
            _say(page)
        for page in log.rest():
            _say(page)
    if log.found:
        return
    if run.final:
        _print_left(stack, run, tail)
        return
    waiting = command(stack.account, "runs", "logs", run.run_id, "--follow")
    message = f"nothing was said yet, the run is {run.state}: {waiting}"
    raise click.ClickException(message)


def _print_left(stack: RunsStack, run: Run, tail: int | None) -> None:
    """What is left of the log of a run that is over, if it came so far as to have one."""
    where = run.job or run.machine
    if where is None or (run.started_at is None and run.exit_code is None):
        what = "job" if run.machine is None else "experiment"
        message = f"there is no log, the {what} has never run: {ended(run)}"
        raise click.ClickException(message)
    if run.machine is not None:
        archive = left(stack.account, run) or f"nothing was stored: {ended(run)}"
        # It has expired there, or never came: a machine may be unable to write to it.
        message = f"the log group has no log of it; {archive}"
        raise click.ClickException(message)
    _print_copy(stack, run, run.attempt, None, tail)


def _follow(stack: RunsStack, run: Run, tail: int | None) -> None:
    log, run_id = stack.log(run, tail=tail), run.run_id
    with reaching("following a log"):
        for now, said in follow(lambda: stack.look(run_id), log, stack.pace):
            _say(said)
            run = now
    if not log.found:
        _print_left(stack, run, tail)


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(plain(line))
