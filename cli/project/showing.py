"""The commands `project list` and `project show`."""

import json

import click

from cli.account import Account, account_options
from cli.examples import example
from cli.project import inputs, overview
from cli.project.place import Place
from cli.shown import command, table


@click.command(
    "list",
    epilog=example(
        "cloud-runner project list -e production",
        "cloud-runner project list --json",
    ),
)
@account_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_projects(account: Account, *, as_json: bool) -> None:
    """List the repositories of an environment.

    With the state of each one's stack, what its jobs get if the commit asks for nothing, and when
    that was changed.
    """
    account.deployed()
    states = overview.projects(account.client("cloudformation"), account.names)
    found = [overview.summary(state) for state in states]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo(f"none yet: {command(account, 'project', 'add', 'WORKSPACE/SLUG')}")
        return
    shown = ("repository", "status", "vcpus", "memory_mib", "changed")
    rows = [[str(one[name]) for name in shown] for one in found]
    head = ("REPOSITORY", "STACK'S STATUS", "VCPUS", "MIB", "CHANGED")
    click.echo("\n".join(table(head, rows)))


@click.command(
    epilog=example(
        "cloud-runner project show my-team/churn",
        "cloud-runner project show my-team/churn --json",
    )
)
@click.argument("repository", metavar="WORKSPACE/SLUG")
@account_options
@inputs.webhook_url
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(account: Account, repository: str, *, webhook_url: str | None, as_json: bool) -> None:
    """Show everything about a repository: stack, webhook, credentials, newest image.

    Of credentials it tells where they are and what they may do, never what they are.
    """
    place = Place.of(account, repository, webhook_url)
    full_name = place.project.full_name
    told = overview.details(place)
    if told is None:
        add_it = command(account, "project", "add", full_name)
        message = f"{full_name} is not in {account.names.environment}: {add_it}"
        raise click.ClickException(message)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    click.echo("\n".join(table(("NAME", "VALUE"), list(overview.flat(told)))))
