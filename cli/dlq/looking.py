"""The commands `dlq list` and `dlq show`."""

import json
from datetime import UTC, datetime

import click

from cli.account import Account, account_options, asking
from cli.dlq.ages import oldest
from cli.dlq.listing import HEAD, Found
from cli.dlq.named import named, queue_name
from cli.dlq.queues import KINDS, DeadLetterQueue
from cli.dlq.reading import Reading
from cli.dlq.wording import as_json, described, indented_body
from cli.examples import example
from cli.shown import command, table

_LOOK_SECONDS = 30


@click.command(
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


@click.command(
    epilog=example(
        "cloud-runner dlq show statuses",
        "cloud-runner dlq show statuses --limit 100 --body --json",
    )
)
@queue_name
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
    queue, kind = named(account, account.deployed(), name)
    stack = account.names.stack
    with (
        asking(f"looking into the dead letters of {kind.name}"),
        Reading(queue, most=limit, hold_seconds=_LOOK_SECONDS) as reading,
    ):
        letters = list(reading)
        counts = queue.counts()
    if json_wanted:
        click.echo(
            json.dumps([as_json(letter, stack, bodies=bodies) for letter in letters], indent=2)
        )
        return
    now = datetime.now(UTC)
    for place, letter in enumerate(letters, 1):
        for line in described(place, letter, stack, now):
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
