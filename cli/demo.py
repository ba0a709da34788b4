"""`cloud-runner demo`: one push, followed from the webhook to the result, on this machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.markup import escape
from rich.padding import Padding

from cli.console import console, step
from cli.examples import example
from cli.local_projects import join
from local.layout import DEFAULT_STATE, StackError, StateDir
from local.results import result_commit
from local.stack import Stack, running

MESSAGE = """Try a smaller learning rate

:ACME_RUN: --params learning_rate=0.01
:ACME_RUN_EXP:
:ACME_GPUS:
"""
_COLOURS = {"INPROGRESS": "yellow", "SUCCESSFUL": "green", "FAILED": "red", "STOPPED": "red"}
_POLL_SECONDS = 0.3


@click.command(
    epilog=example(
        "cloud-runner demo",
        "cloud-runner demo --timeout 600    # a slow machine",
    )
)
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=240,
    show_default=True,
    help="Seconds to wait for the run.",
)
def demo(timeout: int) -> None:
    """Push a commit to a stack of its own and watch the run.

    Starts the stack, pushes, follows the run, shows the result, ends everything. It needs neither
    an AWS account nor Docker. What it leaves, logs and the report's pictures, is in
    .cloud-runner/demo.

    The exit code is 0 only if the run succeeded and its result commit is in the repository.
    """
    state = StateDir(DEFAULT_STATE / "demo")
    console.print("[bold]1. starting the stack[/bold] (AWS, Batch and Bitbucket on this machine)")
    with running(state, step, join, keep_repositories=False) as stack:
        repository = stack.hooks[0].repository
        console.print(f"\n[bold]2. pushing a commit[/bold] to {repository}")
        working_copy = state.working_copy
        commit = push(stack, working_copy)
        console.print("\n[bold]3. what Bitbucket shows on the commit[/bold], and the job's log")
        ended = follow(stack, commit, timeout)
        if not _show_result(stack, commit, ended):
            sys.exit(1)
        console.print("\n[bold]6. ending the stack[/bold]")
    console.print("done. Next: [bold].venv/bin/cloud-runner local up[/bold] keeps it running")


def push(stack: Stack, working_copy: Path) -> str:
    """Clone the example, commit with the keywords, push; the commit's hash."""
    url = stack.bitbucket.plain_git_url(stack.hooks[0].repository)
    _git(stack, stack.state.root, "clone", "--quiet", url, str(working_copy))
    someone = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com")
    _git(stack, working_copy, *someone, "commit", "--quiet", "--allow-empty", "--message", MESSAGE)
    for line in MESSAGE.splitlines():
        console.print(f"  [cyan]│[/cyan] {escape(line)}")
    _git(stack, working_copy, "push", "--quiet", "origin", "HEAD")
    return _git(stack, working_copy, "rev-parse", "HEAD").strip()


def follow(stack: Stack, commit: str, timeout: int) -> str:
    """Print each change of the commit's status and each line of the log; the final state."""
    start = time.monotonic()
    log = _Log(stack.state.job_logs)
    shown = 0
    while time.monotonic() - start < timeout:
        part = stack.ended_part()
        if part is not None:
            message = f"{part.name} ended by itself: see {part.log}\n{part.tail()}"
            raise StackError(message)
        writes = _writes(stack, commit)
        for line in log.news():
            console.print(f"           [dim]│ {escape(line)}[/dim]")
        for state, description in writes[shown:]:
            since = time.monotonic() - start
            colour = _COLOURS[state]
            told = f"  {since:5.1f} s  [{colour}]{state:<10}[/{colour}]  {escape(description)}"
            console.print(told)
        shown = len(writes)
        if writes and writes[-1][0] != "INPROGRESS":
            return writes[-1][0]
        time.sleep(_POLL_SECONDS)
    message = f"the run did not end within {timeout} s: see {stack.state.logs}"
    raise StackError(message)


def _show_result(stack: Stack, commit: str, ended: str) -> bool:
    from rich.markdown import Markdown  # noqa: PLC0415 - slow to load: not for a Tab

    working_copy = stack.state.working_copy
    console.print("\n[bold]4. the result[/bold]")
    _git(stack, working_copy, "fetch", "--quiet", "origin")
    result = result_commit(working_copy, commit)
    if ended != "SUCCESSFUL" or result is None:
        console.print(f"  [red]the run ended {ended}, result commit: {result or 'none'}[/red]")
        return False
    shown = _git(stack, working_copy, "show", "--stat", "--format=commit %H%n%n%B", result)
    for line in shown.splitlines():
        console.print(f"  {line}", markup=False)
    report = _report(stack, result)
    if report is None:
        console.print("  [red]there is no report on the result commit[/red]")
        return False
    console.print("\n[bold]5. the report[/bold], a comment on the result commit")
    console.print(Padding(Markdown(report), (0, 2)), soft_wrap=False)
    for picture in _pictures(stack):
        console.print(f"  picture in the report: {picture}", markup=False, soft_wrap=True)
    return True


def _report(stack: Stack, commit: str) -> str | None:
    """The comment on a commit. It comes a moment before the job's end."""
    comments = stack.bitbucket.comments(stack.hooks[0].repository, commit)
    return comments[0]["content"]["raw"] if comments else None


def _pictures(stack: Stack) -> Iterator[Path]:
    """The report's pictures, kept in a folder where they outlive the stack."""
    repository = stack.hooks[0].repository
    folder = stack.state.root / "pictures"
    folder.mkdir(exist_ok=True)
    for download in stack.bitbucket.downloads(repository):
        picture = folder / download["name"]
        picture.write_bytes(stack.bitbucket.download(repository, download["name"]))
        yield picture


def _writes(stack: Stack, commit: str) -> list[tuple[str, str]]:
    """The commit's status as it was written over time, without repetitions."""
    histories = stack.bitbucket.status_history(stack.hooks[0].repository, commit)
    told = [(w["state"], w["description"]) for h in histories for w in h["writes"]]
    return [write for place, write in enumerate(told) if place == 0 or told[place - 1] != write]


@dataclass
class _Log:
    """The lines of the job's log that have not been shown yet."""

    folder: Path
    read: dict[Path, int] = field(default_factory=dict)

    def news(self) -> Iterator[str]:
        """New whole lines of every log of the folder."""
        for path in sorted(self.folder.rglob("*.log")):
            with path.open("rb") as stream:
                stream.seek(self.read.get(path, 0))
                lines, _, rest = stream.read().rpartition(b"\n")
                self.read[path] = stream.tell() - len(rest)
            if lines:
                yield from (line.decode(errors="replace").rstrip() for line in lines.split(b"\n"))


def _git(stack: Stack, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=stack.bitbucket.git_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        message = f"git {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}"
        raise StackError(message)
    return done.stdout
