"""The commands `deploy` and `undeploy`, as people call them."""

from collections.abc import Mapping, Sequence

import click
from rich.markup import escape

from cli.account import Account, AccountError, Deployed, asking, aws_account_options
from cli.console import console, step
from cli.deploy import checks, concurrency, program, release, sam, stack
from cli.deploy.parameters import Choice, choose, declared, written
from cli.deploy.retained import Retained, retained
from cli.examples import example
from cli.shown import command
from cli.typed import pairs
from local.layout import PROJECT

# What a person wants to see at the end, with what it is for.
_SHOWN = {
    "WebhookUrl": "where Bitbucket sends pushes to",
    "DashboardUrl": "how all of it is",
    "EventBusName": "the bus with what happens to runs",
    "RunsTableName": "the records of runs",
    "DataBucket": "reports, logs and data of projects",
    "JobQueueArn": "runs without GPUs",
    "GpuJobQueueArn": "runs with GPUs",
}


def _pairs(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    return pairs(values)


@click.command(
    epilog=example(
        "cloud-runner deploy -e production --parameter AlarmEmail=ops@example.com",
        "cloud-runner deploy -e production --parameter MaxGpus=4 --yes",
    )
)
@aws_account_options
@click.option(
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="A parameter of template.yaml, as MaxGpus=2. May be given again.",
)
@click.option("--yes", is_flag=True, help="Do not ask before the change set is executed.")
@click.option("--skip-build", is_flag=True, help="Deploy what the last `make build` left.")
def deploy(account: Account, given: Mapping[str, str], *, yes: bool, skip_build: bool) -> None:
    """Deploy the stack of an environment, or update it.

    Builds the functions, shows which values change, has SAM make a change set and asks before it
    is executed; then stores in the data bucket what machines and projects need, and prints the
    stack's outputs. It takes an administrator's credentials.

    Values that were chosen at an earlier deployment stay; write those that shall be known to all
    into samconfig.toml. All parameters are at the top of template.yaml.
    """
    with asking("asking AWS who you are"):
        identity = account.client("sts").get_caller_identity()
    console.print(
        f"[bold]{account.stack}[/bold] in account {identity['Account']}, {account.region}"
    )
    found = stack.updatable(account)
    if found is None:
        checks.no_secret_is_left(account)
    defaults = declared(PROJECT / "template.yaml")
    chosen = choose(
        account.names,
        defaults,
        {} if found is None else found.parameters,
        written(PROJECT / "samconfig.toml", account.names.environment),
        given,
    )
    _show(chosen, defaults)
    checks.existing_queue_fits(account, chosen)
    if not skip_build:
        with step("building the functions"):
            sam.build(account, chosen["Architecture"].value)
    values = {name: choice.value for name, choice in chosen.items()}
    values[release.PARAMETER] = release.digest(sam.BUILT, values)
    declined_before = stack.unexecuted(account)
    sam.deploy(account, values, yes=yes)
    stack.refuse_if_declined(account, declined_before)
    deployed = account.deployed()
    with step("storing what machines and projects need"), asking("storing it in the bucket"):
        stored = program.upload(account.client("s3"), deployed.output("DataBucket"))
    console.print(f"    {', '.join(stored) or 'it is there already'}")
    _show_deployed(account, deployed, checks.stale_in_projects(chosen))


@click.command(epilog=example("cloud-runner undeploy -e testing"))
@aws_account_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def undeploy(account: Account, *, yes: bool) -> None:
    """Delete the stack of an environment.

    Says before what is kept, which is what holds data and secrets, and how to be rid of that, too;
    then asks for the stack's name. Refuses while there are projects: `project remove` comes first.
    Jobs that wait or run are ended.
    """
    deployed = account.deployed()
    cloudformation = account.client("cloudformation")
    projects = stack.projects(account)
    if projects:
        message = (
            f"{', '.join(projects)} need this stack: remove each of them first, with "
            f"{command(account, 'project', 'remove', 'WORKSPACE/SLUG')}"
        )
        raise AccountError(message)
    with asking("listing what is kept"):
        kept = list(retained(cloudformation, account.stack))
    console.print(
        f"[bold]{account.stack}[/bold] in {account.region} will be deleted. What is kept:"
    )
    _show_kept(kept)
    jobs = checks.jobs_under_way(account, deployed)
    if jobs:
        console.print(f"[yellow]{jobs} jobs that wait or run will be ended[/yellow]")
    if not yes:
        asked = click.prompt("Type the stack's name to delete it", default="", show_default=False)
        if asked != account.stack:
            message = "that is not its name: nothing was deleted"
            raise click.ClickException(message)
    with step("deleting the stack (some minutes)"), asking("deleting the stack"):
        stack.delete(cloudformation, account.stack)
    console.print("[bold green]deleted[/bold green]; the resources above are still there")


def _show(chosen: Mapping[str, Choice], defaults: Mapping[str, str | None]) -> None:
    """Tell of the parameters that are not at their defaults, and of those that change."""
    shown = {
        name: choice
        for name, choice in chosen.items()
        if name != release.PARAMETER and (choice.is_change or choice.value != defaults[name])
    }
    for name, choice in shown.items():
        was = f", was {escape(choice.before or 'empty')}" if choice.is_change else ""
        value = escape(choice.value or "empty")
        console.print(f"  {name:<22} {value:<24} [dim]{choice.source}{was}[/dim]")


def _show_deployed(account: Account, deployed: Deployed, stale: Sequence[str]) -> None:
    console.print("\n[bold green]deployed[/bold green]")
    for name, meaning in _SHOWN.items():
        console.print(f"  {name:<15} {escape(deployed.output(name))}  [dim]{meaning}[/dim]")
    projects = stack.projects(account)
    if stale and projects:
        console.print(
            f"\n[yellow]{', '.join(stale)} changed[/yellow], which projects have as it was when "
            "they were added. Run again, for each of " + escape(", ".join(projects))
        )
    shortage = concurrency.shortage(account, PROJECT / "template.yaml")
    if shortage is not None:
        console.print(f"\n[yellow]{escape(shortage)}[/yellow]")
    console.print(f"\nnext: {escape(command(account, 'project', 'add', 'WORKSPACE/SLUG'))}")


def _show_kept(kept: Sequence[Retained]) -> None:
    for one in kept:
        console.print(f"  {one.logical_id}: {escape(one.physical_id)}")
        console.print(f"    [dim]to be rid of it:[/dim] {escape(one.removal)}")
