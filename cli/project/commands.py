"""The commands `cloud-runner project add | list | show | remove`."""

import json
from pathlib import Path

import click
from rich.markup import escape

from cli.account import Account, AccountError, account_options
from cli.console import console, step
from cli.examples import example
from cli.project import credentials as typed
from cli.project import inputs, joining, leaving, looking, overview, parameters
from cli.project.looking import Wishes
from cli.project.names import project as named
from cli.project.place import Outside, Place
from cli.shown import command, table
from shared.bitbucket import Credentials


@click.group(epilog=example("cloud-runner project add my-team/churn --dry-run"))
def project() -> None:
    """Add a repository to an environment, look at it, remove it.

    A project is a Bitbucket repository whose commits may run jobs: it has a stack of its own with
    the job definition and the place of its image, credentials for Bitbucket, and a webhook.
    """


@project.command(
    epilog=example(
        "cloud-runner project add my-team/churn --credentials-file bitbucket.json --dry-run",
        "cloud-runner project add my-team/churn --vcpus 4 --memory 15360 --timeout 7200",
        "cloud-runner project add my-team/churn --secret-env WANDB_API_KEY",
    )
)
@click.argument("repository", metavar="WORKSPACE/SLUG")
@account_options
@click.option(
    "--credentials-file",
    type=inputs.FILE,
    help="Bitbucket's credentials as JSON, instead of a question; stored.",
)
@click.option(
    "--own-credentials", is_flag=True, help="Store them for this repository alone, not for all."
)
@inputs.webhook_credentials
@click.option(
    "--secret-env",
    "asked",
    multiple=True,
    metavar="NAME",
    help="A secret variable of jobs; asks for its value. May be given again.",
)
@click.option(
    "--secrets-file",
    type=inputs.FILE,
    help="All variables of jobs as a JSON object of name to value.",
)
@inputs.job_defaults
@click.option(
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of container/project.yaml. May be given again.",
)
@click.option(
    "--new-webhook-secret", is_flag=True, help="Put a new webhook in the old one's place."
)
@inputs.webhook_url
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def add(
    account: Account,
    repository: str,
    *,
    credentials_file: Path | None,
    own_credentials: bool,
    webhook_credentials_file: Path | None,
    asked: tuple[str, ...],
    secrets_file: Path | None,
    given: tuple[str, ...],
    new_webhook_secret: bool,
    webhook_url: str | None,
    dry_run: bool,
    yes: bool,
    **defaults: int | None,
) -> None:
    """Let a repository's commits run jobs; run it again to change or to mend something.

    Looks at what there is, says what it would do, asks, and does it: stores Bitbucket's
    credentials, deploys the project's stack, makes the webhook, and sends it a delivery as a
    check. What an earlier call was told stays, unless this one says otherwise. If anything stops
    it, the same command goes on from there.
    """
    wishes = Wishes(
        parameters=inputs.parameters(given, defaults),
        credentials=inputs.credentials(credentials_file),
        own_credentials=own_credentials,
        webhook_credentials=inputs.credentials(webhook_credentials_file),
        variables=inputs.variables(asked, secrets_file),
        replaces_variables=secrets_file is not None,
        rotate=new_webhook_secret,
    )
    with step(f"reading the stack {account.stack}"):
        place = _place(account, repository, webhook_url)
        stored = place.template.text()
    if stored is None:
        again = command(account, "deploy", "--skip-build")
        message = (
            f"the template of projects is not in {place.root.output('DataBucket')}: run {again}"
        )
        raise AccountError(message)
    if stored != parameters.template():
        _note(
            "the stack was deployed from another version of this project: use that version, "
            "or make deploy"
        )

    def ask(secret: str) -> Credentials:
        if dry_run:
            message = f"{secret} has no value yet: a dry run needs --credentials-file"
            raise click.ClickException(message)
        return typed.ask(f"{secret} has no value yet: it needs credentials for Bitbucket")

    found = looking.look(place, wishes, ask)
    place = found.place
    _show_todo(found.todo, "nothing to change")
    if dry_run:
        console.print("a dry run: nothing was changed")
        return
    if found.todo and not yes:
        click.confirm("Do it?", abort=True)
    is_new = place.stack.state() is None
    joining.join(found, _tell)
    word = "changed" if found.todo else "nothing was changed, and it works"
    word = "added" if is_new else word
    console.print(f"\n[bold green]{word}[/bold green]: {escape(place.project.full_name)}")
    _show_left(account, place, is_new=is_new)


@project.command(
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


@project.command(
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
    place = _place(account, repository, webhook_url)
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


@project.command(
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
        place = _place(account, repository, webhook_url)
    found = leaving.look(place, inputs.credentials(webhook_credentials_file), with_data=delete_data)
    if found.note:
        _note(found.note)
    _show_todo(found.todo, "nothing to remove")
    if not found.todo:
        return
    if not yes:
        _confirm_removal(place.project.full_name, with_data=delete_data)
    leaving.leave(found, _tell)
    console.print(f"\n[bold green]removed[/bold green]: {escape(place.project.full_name)}")
    for one in leaving.data_of(place):
        console.print(f"  kept: {escape(one)}")


def _place(account: Account, repository: str, webhook_url: str | None) -> Place:
    wanted = named(account.names, repository)
    root = account.deployed()
    url = webhook_url or root.output("WebhookUrl")
    return Place(wanted, root, Outside.of(account), url)


def _confirm_removal(full_name: str, *, with_data: bool) -> None:
    if not with_data:
        click.confirm("Do it?", abort=True)
        return
    typed_name = click.prompt("Type the repository's name to delete its data, too")
    if typed_name != full_name:
        message = "that is not its name: nothing was deleted"
        raise click.ClickException(message)


def _note(text: str) -> None:
    console.print(f"[yellow]note:[/yellow] {escape(text)}")


def _tell(text: str) -> None:
    console.print(f"    [dim]{escape(text)}[/dim]")


def _show_todo(todo: tuple[str, ...], otherwise: str) -> None:
    console.print(f"\n{'what is to be done:' if todo else otherwise}")
    for one in todo:
        console.print(f"  {escape(one)}")
    console.print()


def _show_left(account: Account, place: Place, *, is_new: bool) -> None:
    """Tell what is still missing before a first run."""
    prefix = place.root.output("KeywordPrefix")
    state = place.stack.state()
    own_image = state is not None and state.parameters.get("Image")
    if not own_image and place.images.newest() is None:
        push = command(account, "image", "push", place.project.full_name)
        console.print(f"next: its jobs have no image yet:\n  {escape(push)}")
    if is_new:
        console.print(
            "if the project has no DVC remote yet, its place in the data bucket is\n"
            f"  dvc remote add --default storage {escape(str(place.objects))}dvc\n"
            f"then push a commit with :{prefix}_RUN: on a line of its own:\n"
            f"  git commit --allow-empty -m 'First run' -m ':{prefix}_RUN:' && git push"
        )
