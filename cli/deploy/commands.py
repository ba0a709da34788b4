"""The commands `deploy` and `undeploy`, as people call them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import click
from botocore.exceptions import WaiterError
from rich.markup import escape

from cli.account import Account, AccountError, Deployed, account_options, asking
from cli.console import console, step
from cli.deploy import program
from cli.deploy.parameters import Choice, choose, declared, pair, written
from cli.deploy.retained import Retained, retained
from local.layout import PROJECT, Tools

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
# A compute environment and its queue take some minutes to go; an EFS mount target, too.
_DELETE_WAIT = {"Delay": 10, "MaxAttempts": 360}


def _pairs(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    return dict(pair(value) for value in values)


@click.command()
@account_options
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

    Values that were chosen at an earlier deployment stay; write those that shall be known to all
    into samconfig.toml.
    """
    with asking("asking AWS who you are"):
        identity = account.client("sts").get_caller_identity()
    console.print(
        f"[bold]{account.stack}[/bold] in account {identity['Account']}, {account.region}"
    )
    found = _updatable(account)
    _check_kept_secrets(account, is_new=found is None)
    chosen = choose(
        account.names,
        declared(PROJECT / "template.yaml"),
        {} if found is None else found.parameters,
        written(PROJECT / "samconfig.toml", account.names.environment),
        given,
    )
    _show(chosen)
    if not skip_build:
        with step("building the functions"):
            architecture = chosen["Architecture"].value
            build = ["build", "--parameter-overrides", f"Architecture={architecture}"]
            _sam(account, build, quiet=True, LAMBDA_ARCHITECTURE=architecture)
    _sam(account, _deploy_arguments(account, chosen, yes=yes), quiet=False)
    outputs = account.deployed()
    with step("storing the job's program"), asking("storing the job's program"):
        is_new = program.upload(account.client("s3"), outputs.output("DataBucket"))
    if not is_new:
        console.print("    it is there already")
    console.print("\n[bold green]deployed[/bold green]")
    for name, meaning in _SHOWN.items():
        console.print(f"  {name:<15} {escape(outputs.output(name))}  [dim]{meaning}[/dim]")
    console.print(f"\nnext: cloud-runner project add WORKSPACE/SLUG -e {account.names.environment}")


@click.command()
@account_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def undeploy(account: Account, *, yes: bool) -> None:
    """Delete the stack of an environment; says what is kept, and how to be rid of that, too."""
    account.deployed()
    cloudformation = account.client("cloudformation")
    with asking("looking for projects"):
        projects = _project_stacks(cloudformation, account)
    if projects:
        message = (
            f"these stacks of projects need it: {', '.join(projects)}: "
            "cloud-runner project remove each of them first"
        )
        raise AccountError(message)
    with asking("listing what is kept"):
        kept = list(retained(cloudformation, account.stack))
    console.print(
        f"[bold]{account.stack}[/bold] in {account.region} will be deleted. What is kept:"
    )
    _show_kept(kept)
    if not yes:
        asked = click.prompt("Type the stack's name to delete it", default="", show_default=False)
        if asked != account.stack:
            message = "that is not its name: nothing was deleted"
            raise click.ClickException(message)
    with step("deleting the stack (some minutes)"), asking("deleting the stack"):
        _delete(cloudformation, account.stack)
    console.print("[bold green]deleted[/bold green]; the resources above are still there")


def _updatable(account: Account) -> Deployed | None:
    """The stack, if there is one that can be updated; what a first failure left is deleted."""
    found = account.find()
    if found is None or found.status not in ("ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"):
        return found
    if found.status == "UPDATE_ROLLBACK_FAILED":
        message = (
            "the update before could not be rolled back: mend what its events in the "
            "CloudFormation console name, then\n"
            f"  aws cloudformation continue-update-rollback --stack-name {account.stack}"
        )
        raise AccountError(message)
    doing = "deleting what a first deployment that failed has left"
    with step(doing), asking(doing):
        _delete(account.client("cloudformation"), account.stack)
    return None


def _check_kept_secrets(account: Account, *, is_new: bool) -> None:
    """A stack that was deleted left its secrets, whose names a new one needs."""
    if not is_new:
        return
    names = account.names
    prefix = f"{names.organization}/{names.environment}/bitbucket-"
    kept = [f"{prefix}{name}" for name in ("webhook-uuids", "auth")]
    secretsmanager = account.client("secretsmanager")
    with asking("looking for secrets of an earlier stack"):
        found = secretsmanager.list_secrets(Filters=[{"Key": "name", "Values": [prefix]}])
    there = [one["Name"] for one in found["SecretList"] if one["Name"] in kept]
    if there:
        removal = "aws secretsmanager delete-secret --force-delete-without-recovery --secret-id"
        message = (
            f"an earlier stack left {' and '.join(there)}, and a new one makes them itself: "
            "note their values if you need them, then\n"
            + "\n".join(f"  {removal} {name}" for name in there)
        )
        raise AccountError(message)


def _show(chosen: Mapping[str, Choice]) -> None:
    """Tell of the parameters that are not at their defaults, and of those that change."""
    for name, choice in chosen.items():
        if choice.source == "the default" and not choice.is_change:
            continue
        was = f", was {escape(choice.before or 'empty')}" if choice.is_change else ""
        value = escape(choice.value or "empty")
        console.print(f"  {name:<18} {value}  [dim]{choice.source}{was}[/dim]")


def _deploy_arguments(account: Account, chosen: Mapping[str, Choice], *, yes: bool) -> list[str]:
    overrides = [f"{name}={_quoted(choice.value)}" for name, choice in chosen.items()]
    return [
        *("deploy", "--stack-name", account.stack, "--region", account.region),
        *("--config-env", account.names.environment),
        *("--tags", f"cloud-runner={account.names.organization}-{account.names.environment}"),
        "--no-fail-on-empty-changeset",
        "--no-confirm-changeset" if yes else "--confirm-changeset",
        *("--parameter-overrides", *overrides),
    ]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _sam(account: Account, arguments: Sequence[str], *, quiet: bool, **variables: str) -> None:
    """Run SAM in the project, as whoever the account's session is."""
    profile = account.session.profile_name
    named = {} if profile == "default" else {"AWS_PROFILE": profile}
    environment = os.environ | named | {"AWS_REGION": account.region} | variables
    done = subprocess.run(
        [str(Tools().sam), *arguments],
        cwd=PROJECT,
        env=environment | {"SAM_CLI_TELEMETRY": "0"},
        check=False,
        capture_output=quiet,
        text=True,
    )
    if done.returncode != 0:
        said = f":\n{done.stdout}{done.stderr}" if quiet else ": see above"
        message = f"sam {arguments[0]} ended with {done.returncode}{said}"
        raise AccountError(message)


def _project_stacks(cloudformation: Any, account: Account) -> list[str]:
    names = account.names
    prefix = f"{names.organization}-{names.environment}-project-"
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return [
        stack["StackName"]
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"].startswith(prefix) and stack["StackStatus"] != "DELETE_COMPLETE"
    ]


def _show_kept(kept: Sequence[Retained]) -> None:
    for one in kept:
        console.print(f"  {one.logical_id}: {escape(one.physical_id)}")
        console.print(f"    [dim]to be rid of it:[/dim] {escape(one.removal)}")


def _delete(cloudformation: Any, stack: str) -> None:
    cloudformation.delete_stack(StackName=stack)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=stack, WaiterConfig=_DELETE_WAIT
        )
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}"
            for one in events
            if one["ResourceStatus"] == "DELETE_FAILED"
        ]
        message = "the stack was not deleted:\n" + "\n".join(failed)
        raise AccountError(message) from error
