"""`cloud-runner local`: the whole stack on this machine."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from cli.console import console, step
from cli.examples import example
from cli.local_account import DEFAULT_STATE_DIR, STATE_DIR_VARIABLE
from cli.local_env import env
from cli.local_projects import join
from cli.typed import FullName, pairs
from local import ready
from local.layout import StackError, StateDir, Tools
from local.stack import Stack, running


@click.group(epilog=example("cloud-runner local up"))
def local() -> None:
    """The embedded stack: AWS, Batch and Bitbucket on this machine.

    The same functions, template and job as on AWS, without an account and without Docker. It
    listens on 127.0.0.1 alone, where it obeys everybody who has an account on this machine: it is
    for machines that are yours alone.
    """


def _parameters(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    return pairs(values)


@local.command(
    epilog=example(
        "cloud-runner local up --repository my-team/churn",
        "cloud-runner local up --job-environment path/to/venv --parameter MaxGpus=2",
    )
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE_DIR,
    envvar=STATE_DIR_VARIABLE,
    show_default=".cloud-runner/stack, in the project",
    show_envvar=True,
    help="Where repositories, data and logs are kept.",
)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Written when all is ready, as ready.json in the state directory always is: one JSON "
    "object with addresses and secrets.",
)
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="WORKSPACE/SLUG",
    type=FullName(),
    help="A repository of your own to add, empty until you push to it. May be given again.",
)
@click.option(
    "--job-environment",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Tools().job_environment,
    show_default=".tools/job",
    help="The virtual environment that jobs run in: Python, DVC and what your stages import.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_parameters,
    help="A parameter of template.yaml, as MaxGpus=2. May be given again.",
)
@click.option(
    "--for-bursts",
    is_flag=True,
    help="Start each function as often as it may run at once: some 25 processes of 60 MiB, so that "
    "many pushes in one moment wait for none of them.",
)
def up(
    state_dir: Path,
    ready_file: Path | None,
    repositories: Sequence[str],
    job_environment: Path,
    parameters: dict[str, str],
    *,
    for_bursts: bool,
) -> None:
    """Run the stack in the foreground until Ctrl-C (or SIGTERM).

    Prints, once it is ready, the git address of each repository, a page that shows commits with
    their statuses, and where the logs are. Jobs are processes of this machine: at most as many at
    a time as it has processors for. Repositories and their data stay in --state-dir; runs, queues
    and whatever else is AWS's are new at every start.
    """
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)
        # Now, and not after the stack has started, is the time to hear that it cannot be written.
        ready_file.parent.mkdir(parents=True, exist_ok=True)
    tools = Tools(job_environment=job_environment.resolve())
    state = StateDir(state_dir.resolve())
    console.print("[bold]starting the stack[/bold]")
    with running(
        state,
        step,
        join,
        repositories=list(dict.fromkeys(repositories)),
        tools=tools,
        parameters=parameters,
        for_bursts=for_bursts,
    ) as stack:
        if ready_file is not None:
            ready.write(stack.describe(), ready_file)
        _say_ready(stack, ready_file)
        try:
            _wait(stack)
        finally:
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
            console.print("ending the stack …")


def _say_ready(stack: Stack, ready_file: Path | None) -> None:
    console.print("[bold green]ready[/bold green]")
    for hook in stack.hooks:
        console.print(f"  git clone {stack.bitbucket.git_url(hook.repository)}")
    console.print(f"  commits and their statuses   {stack.page_url}")
    console.print(f"  logs of jobs                 {stack.state.job_logs}")
    console.print(f"  logs of the stack            {stack.state.logs}")
    if ready_file is not None:
        console.print(f"  addresses and secrets        {ready_file}")
    console.print(
        "push a commit with [bold]:ACME_RUN:[/bold] on a line of its message; Ctrl-C ends"
    )


def _wait(stack: Stack) -> None:
    while True:
        part = stack.ended_part()
        if part is not None:
            message = (
                f"{part.name} ended by itself with {part.ended()}, so the stack ends too: "
                f"see {part.log}\n{part.tail()}"
            )
            raise StackError(message)
        time.sleep(0.5)


local.add_command(env)
