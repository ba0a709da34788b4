"""The command `cloud-runner`: its groups, and what its failures look like."""

import io
import os
import signal
import sys
import tempfile
import traceback
from types import FrameType, TracebackType
from typing import Any, NoReturn

import click

from cli.endings import INTERRUPTED, MEANINGS, NOT_DONE, TERMINATED
from cli.late import LateGroup, Place

# What is said of each is the first sentence of its own help.
_COMMANDS = {
    "completion": Place(
        "cli.completion:completion",
        "Print the script by which a shell completes commands, options and their values.",
    ),
    "demo": Place("cli.demo:demo", "Push a commit to a stack of its own and watch the run."),
    "deploy": Place(
        "cli.deploy.commands:deploy", "Deploy the stack of an environment, or update it."
    ),
    "dlq": Place(
        "cli.dlq.commands:dlq",
        "Messages that nobody could take in: what they are, and the way back.",
    ),
    "experiments": Place(
        "cli.experiments.commands:experiments", "DVC experiments, queued here, run by the stack."
    ),
    "image": Place("cli.images.commands:image", "The image that a project's jobs run in."),
    "local": Place(
        "cli.local:local", "The embedded stack: AWS, Batch and Bitbucket on this machine."
    ),
    "project": Place(
        "cli.project.commands:project",
        "Add a repository to an environment, look at it, remove it.",
    ),
    "push": Place("cli.replay.commands:push", "Pushes to Bitbucket, and what was heard of them."),
    "remote": Place(
        "cli.remote.commands:remote",
        "One EC2 instance of one's own, which always ends itself.",
    ),
    "runs": Place(
        "cli.runs.commands:runs",
        "Runs: list, watch and read them, stop them, ask for more of them.",
    ),
    "sweep": Place(
        "cli.sweep.commands:sweep",
        "Sweeps: one program with many sets of parameters, in array jobs of AWS Batch.",
    ),
    "undeploy": Place("cli.deploy.commands:undeploy", "Delete the stack of an environment."),
}
# Ctrl-C is how these end, there is nothing to go on with; or they say themselves how to go on.
_SAY_IT_THEMSELVES = frozenset({"demo", "local", "remote", "sweep"})
_EXIT_CODES = "\b\nExit codes:\n" + "\n".join(
    f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items()
)
_EXAMPLE = "\b\nExample:\n  cloud-runner runs list --state failed --since 7d"


class _Commands(LateGroup):
    """The commands, and what is said of one that is interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if ctx.invoked_subcommand not in _SAY_IT_THEMSELVES:
                click.echo("interrupted: the same command goes on from here", err=True)
            raise


@click.group(
    cls=_Commands,
    places=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"{_EXAMPLE}\n\n{_EXIT_CODES}",
)
@click.version_option(package_name="dvc-cloud-runner")
def cloud_runner() -> None:
    """Run DVC pipelines on AWS Batch from a line in a Bitbucket commit message."""


def main() -> None:
    """Run the command; a user's mistake is a line of text, never a traceback."""
    signal.signal(signal.SIGTERM, _end)
    # Started in the background by a script it would be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.excepthook = _tell_of_a_bug
    _let_any_character_be_printed()
    try:
        # Outside of its standalone mode click hands the code of `Exit` on instead of exiting.
        ended = cloud_runner(standalone_mode=False)
    except click.ClickException as error:
        # It may quote what others have written: why a run ended, what git has said.
        error.message = _printable(error.message)
        error.show()
        sys.exit(error.exit_code)
    except click.Abort as abort:
        if isinstance(abort.__cause__, KeyboardInterrupt):  # click's way to hand it on
            sys.exit(INTERRUPTED)
        click.echo("nothing was done (--yes does not ask)", err=True)
        sys.exit(NOT_DONE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _end_with_the_pipe()
    except Exception as error:
        # Who fails has loaded what it takes to know the failures of all commands.
        from cli.failures import said_of  # noqa: PLC0415 - the help does not need it

        words = said_of(error)
        if words is None:
            raise
        _fail(words)
    if isinstance(ended, int) and ended:
        sys.exit(ended)


def _let_any_character_be_printed() -> None:
    """Where the encoding has no `…` and no `ü`, print its number instead."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(why: str) -> NoReturn:
    _say_error(why)
    sys.exit(NOT_DONE)


def _say_error(what: str) -> None:
    click.echo(f"{click.style('error:', fg='red')} {_printable(what)}", err=True)


def _printable(text: str) -> str:
    from cli.shown import printable_lines  # noqa: PLC0415 - only who fails needs it

    return printable_lines(text)


def _end_with_the_pipe() -> NoReturn:
    """Whoever read our output has seen enough of it, as `head` has."""
    # What is left in the buffer goes nowhere, instead of failing again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(NOT_DONE)


def _tell_of_a_bug(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """One line on the terminal; where it happened goes into a file, for whoever mends it."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="cloud-runner-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.writelines(traceback.format_exception(kind, error, trace))
    what = f"{kind.__name__}: {' '.join(str(error).split())}"
    _say_error(f"this is a bug: {what}: see {file.name}")


def _end(_number: int, _frame: FrameType | None) -> None:
    # As an exception, so that everything that was started is ended on the way out.
    sys.exit(TERMINATED)
