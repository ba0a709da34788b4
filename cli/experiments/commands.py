"""The commands `experiments submit`, `results` and `list`, as people call them."""

import json
from collections.abc import Sequence

import click

from cli.account import Account, account_options
from cli.examples import example
from cli.experiments import bringing, showing
from cli.experiments.dvc import Dvc
from cli.experiments.endings import check_succeeded
from cli.experiments.listing import listing
from cli.experiments.options import (
    everything_option,
    json_option,
    names_argument,
    remote_option,
    repository_option,
)
from cli.experiments.place import Place, place
from cli.experiments.queued import Queued, queued
from cli.experiments.sent import Sent, chosen, sent
from cli.experiments.submit import submit
from cli.requests import reaching
from cli.shown import command

_NONE = "none was sent of this commit (--all: of any)"


@click.group(
    epilog=example(
        "dvc exp run --queue -S train.lr=0.1",
        "cloud-runner experiments submit --watch",
        "cloud-runner experiments results",
    )
)
def experiments() -> None:
    """DVC experiments, queued here, run by the stack.

    `dvc exp run --queue` keeps an experiment for later. `submit` sends those that wait, a run each;
    `results` brings back what they made, so that `dvc exp show` lists it. docs/experiments.md shows
    both.
    """


@experiments.command(
    epilog=example(
        "cloud-runner experiments results",
        "cloud-runner experiments results wet-lynx --no-data",
        "cloud-runner experiments results --all --json",
    )
)
@names_argument
@account_options
@repository_option
@remote_option
@everything_option
@click.option("--no-data", is_flag=True, help="Bring the experiments without their DVC data.")
@json_option
def results(
    account: Account,
    names: Sequence[str],
    *,
    repository: str | None,
    remote: str,
    everything: bool,
    no_data: bool,
    json_wanted: bool,
) -> None:
    """Bring back the experiments that were sent and have succeeded; tell of the others.

    Those that were queued on the commit that is checked out, those of these NAMEs (or ids of runs),
    or --all. They become experiments of this working copy (`dvc exp pull`): `dvc exp show` lists
    them on their commit, `dvc exp apply NAME` takes one over. Those that are here are left alone.
    It ends with code 3 if one that was named did not succeed.
    """
    here = place(account, remote, repository)
    found, elsewhere = _sent(here, names, everything=everything)
    brought = bringing.bring(
        here.git, here.remote, found, lambda: Dvc.find(here.copy.root), data=not no_data
    )
    if json_wanted:
        click.echo(json.dumps([one.told() for one in brought], indent=2))
    else:
        click.echo("\n".join(showing.results(brought, account)) if brought else _NONE)
        _tell_of_others(elsewhere)
    left = [one.sent.name for one in brought if one.failed]
    if left:
        message = (
            f"not here as they should be: {', '.join(left)}: dvc exp pull {remote} {left[0]} tries "
            "it again"
        )
        raise click.ClickException(message)
    if names:
        check_succeeded(account, [one.sent for one in brought], silent=True)


@experiments.command(
    "list",
    epilog=example(
        "cloud-runner experiments list",
        "cloud-runner experiments list --all --json",
    ),
)
@account_options
@repository_option
@remote_option
@everything_option
@json_option
def list_experiments(
    account: Account,
    *,
    repository: str | None,
    remote: str,
    everything: bool,
    json_wanted: bool,
) -> None:
    """Tell which experiments are queued here, which were sent, and how far they are.

    HERE says `queued` of one that waits in DVC's queue, `here` of one whose results are in this
    working copy.
    """
    here = place(account, remote, repository)
    waiting = queued(here.git)
    found, elsewhere = _sent(here, (), everything=everything, waiting=waiting)
    brought = frozenset(bringing.here(here.git))
    rows = listing(waiting, found, brought, here.requests.run_id)
    if json_wanted:
        click.echo(json.dumps([row.told() for row in rows], indent=2))
        return
    click.echo("\n".join(showing.listed(rows)) if rows else _NONE)
    _tell_of_others(elsewhere)


def _sent(
    here: Place, names: Sequence[str], *, everything: bool, waiting: Sequence[Queued] = ()
) -> tuple[list[Sent], int]:
    """The runs that are meant, and how many there are besides on other commits."""
    with reaching("listing runs"):
        known = sent(here.requests.records, here.full_name)
    baselines = None if everything else {here.copy.head(), *(one.baseline for one in waiting)}
    found = chosen(known, names, baselines)
    missing = set(names) - {word for one in found for word in (one.name, one.run.run_id)}
    if missing:
        message = (
            f"no experiment {', '.join(sorted(missing))} of {here.full_name} was sent: "
            f"{command(here.account, 'experiments', 'list', '--all')}"
        )
        raise click.ClickException(message)
    return found, 0 if names else len({one.ref for one in known}) - len(found)


def _tell_of_others(count: int) -> None:
    if count:
        click.echo(f"\n{count} on other commits: --all")


experiments.add_command(submit)
