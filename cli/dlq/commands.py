"""The commands `dlq list`, `show` and `redrive`, as people call them."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime

import click

from cli.account import Account, Deployed, account_options, asking
from cli.console import console
from cli.dlq.ages import oldest
from cli.dlq.letters import Letter
from cli.dlq.listing import HEAD, Found
from cli.dlq.queues import KINDS, DeadLetterQueue, Kind
from cli.dlq.reading import Reading
from cli.dlq.redriving import Outcome, redrive
from cli.dlq.routes import Back, Route, ToItsSource, ToItsTarget
from cli.dlq.wording import as_json, described, indented_body, outcome_line, plan, total
from cli.examples import example
from cli.shown import command, table

_LOOK_SECONDS = 30
# SQS counts approximately: a queue that says it is empty may hold a few all the same.
_AT_LEAST = 10

_name = click.argument("name", type=click.Choice(list(KINDS)))


@click.group(epilog=example("cloud-runner dlq list"))
def dlq() -> None:
    """Messages that nobody could take in: what they are, and the way back.

    A message that a function refuses for hours ends in its queue's dead-letter queue, and an alarm
    tells of it. Nothing is lost: SQS keeps it for 14 days. docs/operations.md tells what to do.
    """


@dlq.command(
    "list",
    epilog=example(
        "cloud-runner dlq list -e production",
        "cloud-runner dlq list --json",
    ),
)
@account_options
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def list_queues(account: Account, *, json_wanted: bool) -> None:
    """Tell how many messages each dead-letter queue holds.

    And how old the oldest is, as CloudWatch knows some minutes later, and what to type next.
    """
    deployed = account.deployed()
    urls = {kind.name: deployed.output(kind.output) for kind in KINDS.values()}
    sqs = account.client("sqs")
    with asking("counting dead letters"):
        counts = {name: DeadLetterQueue(sqs, url).counts() for name, url in urls.items()}
    full = {name: urls[name] for name, count in counts.items() if not count.empty}
    ages = oldest(account.client("cloudwatch"), full, datetime.now(UTC)) if full else {}
    found = [Found(kind, counts[kind.name], ages.get(kind.name)) for kind in KINDS.values()]
    if json_wanted:
        click.echo(json.dumps([one.as_json() for one in found], indent=2))
        return
    for line in table(HEAD, [one.row() for one in found]):
        click.echo(line)
    if not full:
        click.echo(f"\nnothing is dead in {account.stack}")
    for name in full:
        click.echo(f"\nsee what is in {name}: {command(account, 'dlq', 'show', name)}")
        click.echo(f"once the cause is mended: {command(account, 'dlq', 'redrive', name)}")


@dlq.command(
    epilog=example(
        "cloud-runner dlq show statuses",
        "cloud-runner dlq show statuses --limit 100 --body --json",
    )
)
@_name
@account_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many messages to show.",
)
@click.option("--body", "bodies", is_flag=True, help="Show each message's body as well.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def show(account: Account, name: str, *, limit: int, bodies: bool, json_wanted: bool) -> None:
    """Look into a dead-letter queue, and leave everything in it.

    The messages are held for a moment and then given back; their receive counts grow by one.
    """
    queue, kind = _queue(account, account.deployed(), name)
    with (
        asking(f"looking into the dead letters of {kind.name}"),
        Reading(queue, most=limit, hold_seconds=_LOOK_SECONDS) as reading,
    ):
        letters = list(reading)
        counts = queue.counts()
    if json_wanted:
        click.echo(json.dumps([as_json(letter, bodies=bodies) for letter in letters], indent=2))
        return
    now = datetime.now(UTC)
    for place, letter in enumerate(letters, 1):
        for line in described(place, letter, now):
            click.echo(line)
        if bodies:
            click.echo("\n".join(indented_body(letter)))
        click.echo()
    there = max(counts.total, len(letters))
    if not letters and counts.in_flight:
        click.echo(f"{counts.in_flight} in flight: somebody else holds them; try again soon")
        return
    if not letters:
        click.echo(f"no dead letters of {name}")
        return
    click.echo(f"{len(letters)} of about {there} shown; each was received once more by looking")
    click.echo(f"once the cause is mended: {command(account, 'dlq', 'redrive', name)}")


@dlq.command(
    "redrive",
    epilog=example(
        "cloud-runner dlq redrive statuses --dry-run",
        "cloud-runner dlq redrive undelivered --drop --yes",
    ),
)
@_name
@account_options
@click.option(
    "--message-id",
    "ids",
    multiple=True,
    metavar="ID",
    help="Only this message. May be given again.",
)
@click.option(
    "--drop", is_flag=True, help="Delete what can be sent nowhere, instead of leaving it."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def redrive_queue(
    account: Account, name: str, ids: Sequence[str], *, drop: bool, dry_run: bool, yes: bool
) -> None:
    """Send dead letters back to where they died, once its cause is mended.

    Doing it twice does no harm: every function bears a message that it has seen before. Of the
    queue `undelivered`, events go to the queue that they were meant for; ticks of the schedule and
    mails go nowhere and stay, or are deleted with --drop.
    """
    deployed = account.deployed()
    queue, kind = _queue(account, deployed, name)
    with asking("counting dead letters"):
        counts = queue.counts()
        route = _route(account, deployed, kind)
    most = max(counts.total, _AT_LEAST)

    def outcomes(*, dry: bool) -> Generator[Outcome, None, None]:
        return redrive(queue, route, most=most, only=set(ids), drop=drop, dry_run=dry)

    if dry_run or not yes:
        planned = _follow(name, outcomes(dry=True), silent=True)
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
    done = _follow(name, outcomes(dry=False), silent=False)
    with asking("counting dead letters"):
        counts = queue.counts()
    click.echo(f"{total(done)}; dead letters of {name} now: about {counts.total}")
    _check_found(name, ids, done)


def _queue(account: Account, deployed: Deployed, name: str) -> tuple[DeadLetterQueue, Kind]:
    kind = KINDS[name]
    return DeadLetterQueue(account.client("sqs"), deployed.output(kind.output)), kind


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


def _follow(name: str, outcomes: Generator[Outcome, None, None], *, silent: bool) -> list[Outcome]:
    """All outcomes, each told as it comes; a failure says how far it got."""
    done: list[Outcome] = []
    try:
        # The pass ends here, and gives back what it holds, whatever happens.
        with asking(f"redriving {name}"), closing(outcomes) as going:
            for outcome in going:
                done.append(outcome)
                if not silent:
                    console.print(f"  {outcome_line(outcome)}", markup=False)
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
