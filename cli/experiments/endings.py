"""How a command ends that was about runs which did not all succeed."""

from collections.abc import Sequence

import click

from cli.account import Account
from cli.endings import NotSuccessful
from cli.experiments import showing
from cli.experiments.sent import Sent


def check_succeeded(account: Account, ended: Sequence[Sent], *, silent: bool) -> None:
    """End as something that was watched and has not succeeded, if there is one."""
    bad = [one for one in ended if one.failed]
    if not bad:
        return
    if not silent:
        click.echo("\n".join(line for one in bad for line in showing.failure(one, account)))
    message = f"{len(bad)} of {len(ended)} did not succeed: {', '.join(one.name for one in bad)}"
    raise NotSuccessful(message)
