"""The group `dlq`."""

import click

from cli.dlq.acting import redrive_queue
from cli.dlq.looking import list_queues, show
from cli.examples import example


@click.group(epilog=example("cloud-runner dlq list"))
def dlq() -> None:
    """Messages that nobody could take in: what they are, and the way back.

    A message that a function refuses for hours ends in its queue's dead-letter queue, and an alarm
    tells of it. Nothing is lost: SQS keeps it for 14 days. docs/operations.md tells what to do.
    """


for one in (list_queues, show, redrive_queue):
    dlq.add_command(one)
