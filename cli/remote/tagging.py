"""The tags by which a machine is known for ours, found again, and judged overdue."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import click

from cli.asking import AccountError, asking, reaching
from cli.remote.machine import Ec2, MachineFacts, Origin
from cli.remote.options import Wanted
from cli.remote.refusals import OFFER, refusing
from shared import machine_tags
from shared.aws import calling

# EC2's: characters of a value ("Tag your Amazon EC2 resources").
MAX_VALUE: Final = 256


@dataclass(frozen=True)
class Owner:
    """Whose a machine is: the stack's, as its tag says it, and the person's who asked for it."""

    stack: str
    person: str


def tags_of(
    wanted: Wanted, owner: Owner, *, origin: Origin, name: str | None, ends_at: datetime
) -> dict[str, str]:
    """The tags of a machine: the user's, and ours, which nobody can set otherwise."""
    idle = 0 if wanted.then == "keep" else wanted.idle_minutes
    named = {} if name is None else {machine_tags.NAME: name}
    ours = {
        machine_tags.STACK: owner.stack,
        machine_tags.MACHINE: origin,
        machine_tags.BY: plain(owner.person),
        machine_tags.ENDS: machine_tags.ends(ends_at),
        machine_tags.AFTERWARDS: wanted.then,
        machine_tags.IDLE_MINUTES: str(idle),
    }
    return named | dict(wanted.tags) | ours


def write_tags(ec2: Ec2, instance_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a machine, or change them.

    Raises:
        AccountError: EC2 refuses.
        Unavailable: it failed, for now; some may be there.

    """
    doing = f"tagging {instance_id}"
    with asking(doing), calling(doing), refusing(doing, OFFER):
        ec2.client.create_tags(Resources=[instance_id], Tags=listed(tags))


def name_run(ec2: Ec2, machine: MachineFacts, run_id: str | None) -> None:
    """Let a machine's tag name the run that it has, or may have; None: it stays as it is.

    What has begun goes on all the same where that does not succeed.
    """
    if run_id is None:
        return
    try:
        with reaching(f"tagging {machine.told} with its run"):
            write_tags(ec2, machine.instance_id, {machine_tags.RUN: run_id})
    except AccountError as error:
        click.echo(f"note: {error.message}: remote list does not know that run", err=True)


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def plain(text: str) -> str:
    """A text as a tag's value may be: letters, digits, spaces and ``+ - = . _ : / @``.

    >>> plain("someone,else@example.com")
    'someone_else@example.com'
    """
    return "".join(c if _allowed(c) else "_" for c in text)[:MAX_VALUE]


def _allowed(character: str) -> bool:
    return character in "+-=._:/@ " or unicodedata.category(character)[0] in "LN"
