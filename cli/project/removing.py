"""The command `project remove`."""

from pathlib import Path

import click
from rich.markup import escape

from cli.account import Account, AccountError, account_options
from cli.asking import reaching
from cli.console import console, step
from cli.examples import example
from cli.project import inputs, leaving, telling
from cli.project.place import Place
from cli.runs.selecting import Wanted
from cli.runs.stack import RunsStack
from cli.shown import command
from shared.runs import OPEN_STATES


@click.command(
    epilog=example(
        "cloud-runner project remove my-team/churn",
        "cloud-runner project remove my-team/churn --delete-data",
    )
)
@click.argument("repository", metavar="WORKSPACE/SLUG")
@account_options
@inputs.webhook_credentials
@inputs.webhook_url
@click.option("--delete-data", is_flag=True, help="Delete its images and objects, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(
    account: Account,
    repository: str,
    *,
    webhook_credentials_file: Path | None,
    webhook_url: str | None,
    delete_data: bool,
    yes: bool,
) -> None:
    """Take back what `project add` did; images and objects stay unless told otherwise.

    Says what it would do and asks; with --delete-data it asks for the repository's name. What was
    removed before is not missed: the same command goes on where it was stopped.
    """
    with step(f"reading the stack {account.stack}"):
        place = Place.of(account, repository, webhook_url)
    found = leaving.look(place, inputs.credentials(webhook_credentials_file), with_data=delete_data)
    if found.note:
        telling.note(found.note)
    telling.todo(found.todo, "nothing to remove")
    if not found.todo:
        return
    _note_open_runs(account, place)
    if not yes:
        _confirm_removal(place.project.full_name, with_data=delete_data)
    leaving.leave(found, telling.tell)
    console.print(f"\n[bold green]removed[/bold green]: {escape(place.project.full_name)}")
    for one in leaving.data_of(place):
        console.print(f"  kept: {escape(one)}")


def _note_open_runs(account: Account, place: Place) -> None:
    """Say what becomes of runs that are under way; that nobody can look keeps nothing back."""
    full_name = place.project.full_name
    try:
        with reaching("looking for open runs"):
            records = RunsStack(account, place.root).records
            wanted = Wanted(states=OPEN_STATES, repository=full_name.lower())
            count = sum(1 for _ in wanted.select(records))
    except AccountError as error:
        telling.note(f"{error.message}: nobody knows whether runs of it are open")
        return
    if count:
        listing = command(account, "runs", "list", "--repository", full_name)
        telling.note(
            f"{count} {'run of it is' if count == 1 else 'runs of it are'} open: a job loses its "
            "rights in the middle of its work, and a status may stay as it is. Let them end, or "
            f"stop them before: {listing}"
        )


def _confirm_removal(full_name: str, *, with_data: bool) -> None:
    if not with_data:
        click.confirm("Do it?", abort=True)
        return
    typed_name = click.prompt("Type the repository's name to delete its data, too")
    if typed_name != full_name:
        message = "that is not its name: nothing was deleted"
        raise click.ClickException(message)
