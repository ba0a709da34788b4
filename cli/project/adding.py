"""The command `project add`."""

from pathlib import Path

import click
from rich.markup import escape

from cli.account import Account, AccountError, account_options
from cli.console import console, step
from cli.examples import example
from cli.project import credentials as typed
from cli.project import inputs, joining, looking, parameters, telling
from cli.project.looking import Wishes
from cli.project.place import Place
from cli.shown import command
from shared.bitbucket import Credentials


@click.command(
    epilog=example(
        "cloud-runner project add my-team/churn --credentials-file bitbucket.json --dry-run",
        "cloud-runner project add my-team/churn --vcpus 4 --memory 15360 --timeout 7200",
        "cloud-runner project add my-team/churn --secret-env WANDB_API_KEY",
        "cloud-runner project add my-team/churn --submodule my-team/features",
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
@inputs.submodules
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
    submodules: tuple[str, ...],
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
        parameters=inputs.parameters(given, defaults, submodules),
        credentials=inputs.credentials(credentials_file),
        own_credentials=own_credentials,
        webhook_credentials=inputs.credentials(webhook_credentials_file),
        variables=inputs.variables(asked, secrets_file),
        replaces_variables=secrets_file is not None,
        rotate=new_webhook_secret,
    )
    with step(f"reading the stack {account.stack}"):
        place = Place.of(account, repository, webhook_url)
        stored = place.template.text()
    if stored is None:
        again = command(account, "deploy", "--skip-build")
        message = (
            f"the template of projects is not in {place.root.output('DataBucket')}: run {again}"
        )
        raise AccountError(message)
    if stored != parameters.template():
        telling.note(
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
    telling.todo(found.todo, "nothing to change")
    if dry_run:
        console.print("a dry run: nothing was changed")
        return
    if found.todo and not yes:
        click.confirm("Do it?", abort=True)
    is_new = place.stack.state() is None
    joining.join(found, telling.tell)
    word = "changed" if found.todo else "nothing was changed, and it works"
    word = "added" if is_new else word
    console.print(f"\n[bold green]{word}[/bold green]: {escape(place.project.full_name)}")
    _show_left(account, place, is_new=is_new)


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
