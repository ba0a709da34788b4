"""The dead-letter queue that a command names."""

import click

from cli.account import Account, Deployed
from cli.dlq.queues import KINDS, DeadLetterQueue, Kind

queue_name = click.argument("name", type=click.Choice(list(KINDS)))


def named(account: Account, deployed: Deployed, name: str) -> tuple[DeadLetterQueue, Kind]:
    """The queue called `name` of a stack, and which kind it is."""
    kind = KINDS[name]
    return DeadLetterQueue(account.client("sqs"), deployed.output(kind.output)), kind
