"""The command `experiments submit`, as people call it."""

import json
from collections.abc import Mapping, Sequence

import click

from cli.account import Account, Deployed, account_options
from cli.console import errors
from cli.examples import example
from cli.experiments import showing, workspaces
from cli.experiments.dvc import Dvc
from cli.experiments.endings import check_succeeded
from cli.experiments.options import json_option, names_argument, remote_option, repository_option
from cli.experiments.place import Place, place
from cli.experiments.queued import named, queued
from cli.experiments.sent import Sent
from cli.experiments.submitting import Order, Submitting
from cli.experiments.watching import changes
from cli.limits import limits
from cli.runs.submitting import read_options
from cli.shown import command
from shared.events import Asked


@click.command(
    epilog=example(
        "cloud-runner experiments submit --dry-run",
        "cloud-runner experiments submit wet-lynx --gpus 1 --memory 16384 --watch",
        "cloud-runner experiments submit --local --dequeue",
    )
)
@names_argument
@account_options
@repository_option
@remote_option
@click.option("--gpus", metavar="N", help="Number of GPUs for each, instead of the project's.")
@click.option("--memory", metavar="MIB", help="MiB of memory for each, instead of the project's.")
@click.option("--vcpus", metavar="N", help="Number of vCPUs for each, instead of the project's.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--dequeue", is_flag=True, help="Then remove them from DVC's queue here.")
@click.option("--watch", is_flag=True, help="Wait until the runs have ended.")
@json_option
def submit(
    account: Account,
    names: Sequence[str],
    *,
    repository: str | None,
    remote: str,
    gpus: str | None,
    memory: str | None,
    vcpus: str | None,
    dry_run: bool,
    dequeue: bool,
    watch: bool,
    json_wanted: bool,
) -> None:
    """Send the queued DVC experiments, or those of these NAMEs, a run each.

    Each runs on the commit that it was queued on, with the files as they were then: parameters,
    code, all that git tracks. That commit has to be pushed. Neither the checkout nor the queue
    changes, so they can still be run here too; --dequeue takes them out of the queue. To type it
    again sends nothing twice, and goes on where it was interrupted.
    """
    here = place(account, remote, repository)
    found = named(queued(here.git), names)
    if not found:
        click.echo("[]" if json_wanted else "no experiment is queued here: dvc exp run --queue")
        return
    resources = _resources(here.deployed, {"gpus": gpus, "memory": memory, "vcpus": vcpus})
    # Before anything is sent is the time to hear that there is none.
    dvc = Dvc.find(here.copy.root) if dequeue and not dry_run else None
    submitting = Submitting(here.git, here.remote, here.requests, here.source, here.copy.branch())
    orders = submitting.orders(found)
    _remark(here, orders)
    if dry_run:
        told = [order.told() for order in orders]
        click.echo(json.dumps(told, indent=2) if json_wanted else "\n".join(showing.orders(orders)))
        return
    asked = submitting.send(orders, resources)
    if dvc is not None:
        dvc.dequeue([order.experiment.stash for order in orders])
    if not json_wanted:
        click.echo("\n".join(showing.submitted(orders, asked, account)))
    if watch:
        asked = _watched(here, asked)
    if json_wanted:
        pairs = zip(orders, asked, strict=True)
        answer = [run.told() | {"new": order.before is None} for order, run in pairs]
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(f"\nonce they succeed: {command(account, 'experiments', 'results')}")
    if watch:
        check_succeeded(here.account, asked, silent=json_wanted)


def _resources(deployed: Deployed, numbers: Mapping[str, str | None]) -> Asked:
    """What each run gets, read and limited as keywords are."""
    given = {name: text for name, text in numbers.items() if text is not None}
    prefix = deployed.output("KeywordPrefix")
    return read_options((), given, prefix, limits(deployed), experiment=True)


def _remark(here: Place, orders: Sequence[Order]) -> None:
    """Say what a job might miss."""
    files = workspaces.untracked(here.git)
    remarks = [*([showing.outside(files)] if files else []), *showing.data(orders)]
    for remark in remarks:
        errors.print(remark, markup=False)


def _watched(here: Place, asked: Sequence[Sent]) -> list[Sent]:
    """The runs as they have ended, each change told on the way."""
    ended = {one.run.run_id: one for one in asked}
    for now in changes(here.requests.records, asked):
        ended[now.run.run_id] = now
        errors.print(f"{now.name}: {showing.state(now)}", markup=False)
    return list(ended.values())
