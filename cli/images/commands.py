"""The commands `image build` and `image push`, as people call them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cli.account import Account, AccountError, asking, find_stack
from cli.console import console, step
from cli.examples import example
from cli.images.engines import ENGINES, Engine, find
from cli.images.options import image_options
from cli.images.platforms import platform
from cli.images.proposal import as_command
from cli.images.recipe import Image
from cli.images.registry import Registry, Stored
from cli.images.running import log_in, run
from cli.images.sources import DOCKERFILE, Folder
from cli.shown import command, printable

_LATEST = "latest"  # what jobs take, unless their job definition says otherwise


@click.group(epilog=example("cloud-runner image push my-team/churn"))
def image() -> None:
    """The image that a project's jobs run in.

    It holds git, Python with boto3, DVC if the project uses it, and what the stages import; the
    program that runs in it comes from the stack.
    """


@image.command(
    epilog=example(
        "cloud-runner image build my-team/churn",
        "cloud-runner image build my-team/churn --context ../churn --tag try",
    )
)
@image_options
def build(account: Account, full_name: str, *, dry_run: bool, **choices: Any) -> None:
    """Build a project's image on this machine.

    With docker, podman, finch or buildah, whichever answers first; without any, the commands are
    printed for a machine that has one. A project without a Dockerfile gets one proposed.
    """
    wanted = _wanted(account, full_name, **choices)
    engine = _engine(account, wanted, upload=False, dry_run=dry_run)
    if engine is None:
        return
    run(wanted.build(engine))
    console.print(f"built {', '.join(wanted.names)}", markup=False)
    console.print(f"next: {command(account, 'image', 'push', full_name)}", markup=False)


@image.command(
    epilog=example(
        "cloud-runner image push my-team/churn",
        "cloud-runner image push my-team/churn -e production --dry-run",
    )
)
@image_options
@click.option(
    "--scan-seconds",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="How long to wait for what ECR's scan finds.",
)
def push(
    account: Account, full_name: str, *, dry_run: bool, scan_seconds: int, **choices: Any
) -> None:
    """Build a project's image, upload it, and look whether it arrived.

    What has been built before is not built again: the engine's cache has it. At the end come the
    digest, the size and what ECR's scan found. With --dry-run, or where no engine answers, the
    commands are printed instead, for a machine that has one.
    """
    wanted = _wanted(account, full_name, **choices)
    engine = _engine(account, wanted, upload=True, dry_run=dry_run)
    if engine is None:
        return
    registry = Registry(account.client("ecr"), wanted.repository_name)
    with step(f"logging in to {wanted.registry}"):
        with asking("asking ECR for a password"):
            password = registry.password()
        log_in(wanted.login(engine), password)
    run(wanted.build(engine))
    for upload in wanted.pushes(engine):
        run(upload)
    for tag in wanted.tags:
        with step(f"looking for {tag} in ECR"), asking("describing the image"):
            found = registry.find_scanned(tag, scan_seconds if tag == wanted.tags[0] else 0)
        _show(wanted, tag, found, is_first=tag == wanted.tags[0])
    if _LATEST not in wanted.tags:
        console.print("jobs take the tag latest, unless the project was added with another image")


def _wanted(
    account: Account,
    full_name: str,
    *,
    context: Path | None,
    dockerfile: Path | None,
    tags: Sequence[str],
    processors: str | None,
    base: str | None,
) -> Image:
    """What is to be built; ClickException where something is missing for that."""
    repository = _repository(account, full_name)
    folder = Folder(context) if context is not None else Folder.of(Path.cwd())
    other = folder.is_clone_of_another(full_name)
    if context is None and other is not None:
        message = f"{folder.path} is a clone of {other}: go to {full_name}, or give its --context"
        raise click.ClickException(printable(message))
    path = folder.path.resolve()
    if dockerfile is None and not (path / DOCKERFILE).is_file():
        click.echo(f"# a Dockerfile that works for {full_name}")
        click.echo(as_command(path))
        message = f"{path} holds no Dockerfile: write the one above, or give --file or --context"
        raise click.ClickException(message)
    commit = folder.commit()
    if processors is None:
        found = account.find()
        processors = platform(found.parameters.get("CpuInstanceTypes", "") if found else "")
    return Image(
        repository=repository,
        tags=tuple(dict.fromkeys(tags)) or (_LATEST, *([commit] if commit else [])),
        platform=processors,
        context=path,
        dockerfile=path / DOCKERFILE if dockerfile is None else dockerfile.resolve(),
        base=base,
    )


def _repository(account: Account, full_name: str) -> str:
    workspace, slug = full_name.split("/")
    with asking("describing the project's stack"):
        stack = find_stack(account.client("cloudformation"), account.names.project_stack(slug))
    if stack is None:
        message = (
            f"{full_name} is not in {account.names.environment} yet: "
            f"{command(account, 'project', 'add', full_name)}"
        )
        raise AccountError(message)
    theirs = stack.parameters.get("Workspace", workspace)
    if theirs != workspace:
        message = f"the stack {stack.stack} is of {theirs}/{slug}, not of {full_name}"
        raise AccountError(message)
    return stack.output("RepositoryUri")


def _engine(account: Account, wanted: Image, *, upload: bool, dry_run: bool) -> Engine | None:
    """The engine to work with; None if the commands were printed and that was all."""
    found = find()
    for trouble in found.silent:
        console.print(printable(trouble), markup=False)
    if found.engine is not None and not dry_run:
        console.print(f"with {found.engine.name}, for {wanted.platform}:", markup=False)
        return found.engine
    profile = account.session.profile_name
    script = wanted.script(
        found.engine or ENGINES[0],
        region=account.region,
        profile=None if profile == "default" else profile,
        upload=upload,
    )
    for line in script:
        click.echo(line)
    if found.engine is None and not dry_run:
        names = ", ".join(engine.name for engine in ENGINES)
        message = f"nothing was built: of {names} none answers. The commands are above"
        raise click.ClickException(message)
    return None


def _show(wanted: Image, tag: str, found: Stored | None, *, is_first: bool) -> None:
    if found is None:
        message = f"ECR has no {wanted.repository}:{tag}, although it was uploaded: push it again"
        raise click.ClickException(message)
    console.print(f"    {wanted.repository}@{found.digest}", markup=False)
    if is_first:
        megabytes = found.size / 1_000_000
        console.print(f"    {megabytes:.0f} MB compressed; scan: {found.scanned()}", markup=False)
