"""The command `dlq redrive`."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import click

from cli.account import Account, Deployed, account_options, asking
from cli.console import console
from cli.dlq.letters import Letter
from cli.dlq.named import named, queue_name
from cli.dlq.queues import KINDS, Kind
from cli.dlq.redriving import Outcome, redrive
from cli.dlq.routes import Back, Route, ToItsSource, ToItsTarget, ToNobody
from cli.dlq.wording import outcome_line, plan, total
from cli.examples import example

# SQS counts approximately: a queue that says it is empty may hold a few all the same.
_AT_LEAST = 10


@click.command(
    "redrive",
    epilog=example(
        "cloud-runner dlq redrive statuses --dry-run",
        "cloud-runner dlq redrive undelivered --drop --yes",
        "cloud-runner dlq redrive statuses --drop "
        "--message-id 3f766329-2b4d-4e0d-b2f0-dde8ace089bf",
    ),
)
@queue_name
@account_options
@click.option(
    "--message-id",
    "ids",
    multiple=True,
    metavar="ID",
    help="Only this message. May be given again.",
)
@click.option(
    "--drop",
    is_flag=True,
    help="Delete what can be sent nowhere, instead of leaving it; with --message-id, that message.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def redrive_queue(
    account: Account, name: str, ids: Sequence[str], *, drop: bool, dry_run: bool, yes: bool
) -> None:
    """Send dead letters back to where they died, once its cause is mended.

    Doing it twice does no harm: every function bears a message that it has seen before. Of the
    queue `undelivered`, events go to the queue that they were meant for; ticks of the schedule and
    mails go nowhere and stay, or are deleted with --drop. A letter that stays keeps its queue's
    alarm from telling of the next one: drop what nobody needs any more.
    """
    deployed = account.deployed()
    queue, kind = named(account, deployed, name)
    stack = account.names.stack
    with asking("counting dead letters"):
        counts = queue.counts()
        route = ToNobody() if drop and ids else _route(account, deployed, kind)
    most = max(counts.total, _AT_LEAST)

    def outcomes(*, dry: bool) -> Generator[Outcome, None, None]:
        return redrive(queue, route, most=most, only=set(ids), drop=drop, dry_run=dry)

    if dry_run or not yes:
        planned = _follow(name, stack, outcomes(dry=True), silent=True)
        _check_found(name, ids, planned)
        if not planned:
            click.echo(f"no dead letters of {name}")
            return
        for line in plan(planned):
            click.echo(line)
        if dry_run:
            click.echo("nothing was done: --dry-run")
            return
        if all(outcome.done == "left" for outcome in planned):
            click.echo("nothing to do; --drop deletes them")
            return
        click.confirm("go on?", abort=True)
    done = _follow(name, stack, outcomes(dry=False), silent=False)
    with asking("counting dead letters"):
        counts = queue.counts()
    click.echo(f"{total(done)}; dead letters of {name} now: about {counts.total}")
    _check_found(name, ids, done)


def _route(account: Account, deployed: Deployed, kind: Kind) -> Callable[[Letter], Route]:
    """How a letter's way back is found; for the shared queue, among the stack's queues."""
    if kind.source is not None:
        return ToItsSource(Back(kind.name, deployed.output(kind.source)))
    sqs = account.client("sqs")
    queues = {}
    for other in KINDS.values():
        if other.source is not None:
            url = deployed.output(other.source)
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            queues[answer["Attributes"]["QueueArn"]] = Back(other.name, url)
    return ToItsTarget(queues)


def _follow(
    name: str, stack: str, outcomes: Generator[Outcome, None, None], *, silent: bool
) -> list[Outcome]:
    """All outcomes, each told as it comes; a failure says how far it got."""
    done: list[Outcome] = []
    try:
        # The pass ends here, and gives back what it holds, whatever happens.
        with asking(f"redriving {name}"), closing(outcomes) as going:
            for outcome in going:
                done.append(outcome)
                if not silent:
                    console.print(f"  {outcome_line(outcome, stack)}", markup=False)
    except BaseException:
        if not silent:
            click.echo(
                f"{total(done)}, then it was interrupted; do it again for the rest", err=True
            )
        raise
    return done


def _check_found(name: str, ids: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    missing = set(ids) - {outcome.letter.id for outcome in outcomes}
    if missing:
        message = (
            f"not among the dead letters of {name}: {', '.join(sorted(missing))} "
            "(redriven already, in flight, or over 14 days old)"
        )
        raise click.ClickException(message)
