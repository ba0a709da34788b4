"""The command `cloud-runner`: its groups, and what its failures look like."""

import os
import signal
import subprocess
import sys
import tempfile
import traceback
from types import FrameType, TracebackType
from typing import Any, NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli.completion import completion
from cli.console import errors
from cli.demo import demo
from cli.deploy.commands import deploy, undeploy
from cli.dlq.commands import dlq
from cli.endings import INTERRUPTED, MEANINGS, NOT_DONE, TERMINATED
from cli.experiments.commands import experiments
from cli.images.commands import image
from cli.local import local
from cli.project.commands import project
from cli.replay.commands import push
from cli.runs.commands import runs
from cli.sweep.commands import sweep
from local.layout import StackError
from shared.bitbucket import CommitGone
from shared.errors import Rejected, Unavailable

# Ctrl-C is how these end; there is nothing to go on with.
_ENDED_BY_CTRL_C = (demo, local)
_EXIT_CODES = "\b\nExit codes:\n" + "\n".join(
    f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items()
)
_EXAMPLE = "\b\nExample:\n  cloud-runner runs list --state failed --since 7d"


class _Commands(click.Group):
    """The commands, and what is said of one that is interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if ctx.invoked_subcommand not in {command.name for command in _ENDED_BY_CTRL_C}:
                errors.print("interrupted: the same command goes on from here")
            raise


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"{_EXAMPLE}\n\n{_EXIT_CODES}",
)
@click.version_option(package_name="dvc-cloud-runner")
def cloud_runner() -> None:
    """Run DVC pipelines on AWS Batch from a line in a Bitbucket commit message."""


for command in (
    *(demo, local, deploy, undeploy, project, image, push, dlq),
    *(runs, experiments, sweep, completion),
):
    cloud_runner.add_command(command)


def main() -> None:
    """Run the command; a user's mistake is a line of text, never a traceback."""
    signal.signal(signal.SIGTERM, _end)
    # Started in the background by a script it would be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.excepthook = _tell_of_a_bug
    try:
        cloud_runner(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort as abort:
        if isinstance(abort.__cause__, KeyboardInterrupt):  # click's way to hand it on
            sys.exit(INTERRUPTED)
        errors.print("nothing was done (--yes does not ask)")
        sys.exit(NOT_DONE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _end_with_the_pipe()
    except (StackError, Rejected, Unavailable, CommitGone) as error:
        _fail(str(error))
    except (BotoCoreError, ClientError) as error:
        _fail(" ".join(str(error).split()))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except subprocess.SubprocessError as error:
        # Without its arguments, which are long, and without its output, which was shown or logged.
        _fail(f"a program that was started failed: {type(error).__name__}")


def _fail(why: str) -> NoReturn:
    errors.print(f"[red]error:[/red] {escape(why)}")
    sys.exit(NOT_DONE)


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
    errors.print(f"[red]error:[/red] this is a bug: {escape(what)}: see {escape(file.name)}")


def _end(_number: int, _frame: FrameType | None) -> None:
    # As an exception, so that everything that was started is ended on the way out.
    sys.exit(TERMINATED)
