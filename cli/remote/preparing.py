"""What is found out before anything is made or touched: a mistake seen here costs nothing."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from botocore.exceptions import ClientError

from cli.account import Account
from cli.asking import AccountError, asking, reaching
from cli.remote import given
from cli.remote.consent import ask
from cli.remote.launch_specification import LaunchSpecification, read
from cli.remote.launching import Launch
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.options import WORK, Action, Wanted
from cli.remote.refusals import refusing
from cli.remote.tagging import Owner, tags_of
from cli.remote.terms import terms
from cli.remote.user_data import user_data
from cli.remote.work import Work, find_work
from cli.runs.stack import RunsStack
from cli.runs.wording import name
from shared import machine_tags
from shared.aws import calling

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Prepared:
    """A call that can be made, as far as anybody can tell before.

    `wanted` says what becomes of the machine, whoever decided it. There is either a `launch` or a
    `machine`. Without a stack there is nobody's work, and nothing but an end.
    """

    stack: RunsStack | None
    ec2: Ec2
    wanted: Wanted
    owner: Owner | None = None
    launch: Launch | None = None
    machine: MachineFacts | None = None
    work: Work | None = None


def needed(found: _Found | None) -> _Found:
    """What `prepare` has found out, since an action needs it that is to be done."""
    if found is None:
        message = "an action needs what was not prepared"
        raise ValueError(message)
    return found


def prepare(wanted: Wanted, account: Account, ec2: Ec2) -> Prepared:
    """Look at everything that is named: files, machine, image, bucket, repository.

    What is tagged or ended needs no stack: it may be gone before its machines.

    Raises:
        AccountError, Rejected, click.UsageError: it cannot be done as it is wanted.
        Unavailable: AWS failed, for now.
        click.Abort: whoever was asked said no.

    """
    machine = None
    if wanted.instance is not None:
        with reaching(f"looking for {wanted.instance}"):
            machine = ec2.find(wanted.instance)
        wanted = replace(wanted, afterwards=given.afterwards(wanted, machine))
        given.check(ec2, machine, wanted)
    if not WORK & set(wanted.actions):
        prepared = Prepared(_stack_of_runs(account), ec2, wanted)
    else:
        prepared = _prepare_work(wanted, RunsStack.of(account), ec2)
    if machine is not None:
        ask(prepared.stack, machine, wanted)
    return replace(prepared, machine=machine)


def _stack_of_runs(account: Account) -> RunsStack | None:
    with reaching("describing the stack"):
        deployed = account.find()
    if deployed is None:
        message = f"note: there is no stack {account.stack}, which would know of a machine's run"
        click.echo(message, err=True)
        return None
    return RunsStack(account, deployed)


def _prepare_work(wanted: Wanted, stack: RunsStack, ec2: Ec2) -> Prepared:
    with reaching("getting ready"):
        owner = Owner(ec2.stack_tag, name(stack.requests.who()))
    work = launch = None
    if Action.EXPERIMENT in wanted.actions or Action.SETUP in wanted.actions:
        work = find_work(wanted, stack.account, stack.deployed)
    if Action.EXPERIMENT in wanted.actions and wanted.bucket is not None:
        _check_bucket(stack, wanted.bucket)
    if wanted.launchspec is not None:
        with reaching("getting ready"):
            launch = _launch(wanted, wanted.launchspec, stack, ec2, owner)
    return Prepared(stack, ec2, wanted, owner, launch, work=work)


def _launch(wanted: Wanted, file: Path, stack: RunsStack, ec2: Ec2, owner: Owner) -> Launch:
    shape = ec2.client.meta.service_model.operation_model("RunInstances").input_shape
    specification = read(file, shape)
    for note in specification.notes:
        click.echo(f"note: {note}", err=True)
    _check_image(ec2, specification, wanted)
    from container.agent.build import packed_for_boot  # noqa: PLC0415 - packing takes a moment

    token = str(uuid.uuid4())
    called = wanted.tags.get(machine_tags.NAME) or f"remote-{token[:6]}"
    ends_at = datetime.now(UTC) + timedelta(hours=wanted.max_hours)
    return Launch(
        specification,
        wanted.market,
        {
            **tags_of(wanted, owner, origin="created", name=called, ends_at=ends_at),
            machine_tags.CALL: token,
        },
        user_data(
            packed_for_boot(),
            terms(wanted, region=stack.account.region, name=called),
            wait_seconds=wanted.wait_minutes * 60,
            own=specification.user_data,
        ),
        profile=stack.deployed.output("MachineProfileName"),
        # A spot machine cannot be stopped; one that is kept is stopped at its last hour.
        shutdown="terminate" if wanted.then == "terminate" or wanted.market == "spot" else "stop",
        token=token,
    )


def _check_image(ec2: Ec2, specification: LaunchSpecification, wanted: Wanted) -> None:
    image_id = specification.arguments["ImageId"]
    doing = f"looking at the image {image_id}"
    with reaching(doing), calling(doing), refusing(doing):
        images: list[dict[str, Any]] = ec2.client.describe_images(ImageIds=[image_id])["Images"]
    for image in images:
        if image.get("Platform", "").lower() == "windows":
            message = f"the image {image_id} is Windows: one of Linux is needed, with Python 3"
            raise AccountError(message)
        if image.get("RootDeviceType") == "instance-store" and wanted.then == "stop":
            message = (
                f"a machine of the image {image_id} cannot be stopped, since its root is an "
                "instance store: --afterwards terminate"
            )
            raise AccountError(message)


def _check_bucket(stack: RunsStack, bucket: str) -> None:
    doing = f"looking at the bucket {bucket}"
    try:
        with calling(doing):
            stack.account.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 403:
            # The machine may write to what nobody else may read.
            click.echo(
                f"note: the bucket {bucket} is not yours to look at, so that only the machine "
                "will know whether it may write there",
                err=True,
            )
            return
        if status == 404:
            message = f"there is no bucket {bucket}"
            raise AccountError(message) from error
        with asking(doing):
            raise
