"""The command `cloud-runner`: its groups, and what its failures look like."""

import signal
import subprocess
import sys
from types import FrameType
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli.console import errors
from cli.demo import demo
from cli.deploy.commands import deploy, undeploy
from cli.dlq.commands import dlq
from cli.images.commands import image
from cli.local import local
from cli.project.commands import project
from cli.replay.commands import push
from local.layout import StackError

_TERMINATED = 128 + signal.SIGTERM
_INTERRUPTED = 128 + signal.SIGINT
# Ctrl-C is how these end; there is nothing to go on with.
_ENDED_BY_CTRL_C = (demo, local)


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
)
@click.version_option(package_name="dvc-cloud-runner")
def cloud_runner() -> None:
    """Run DVC pipelines on AWS Batch from a line in a Bitbucket commit message."""


for command in (demo, local, deploy, undeploy, project, image, push, dlq):
    cloud_runner.add_command(command)


def main() -> None:
    """Run the command; a user's mistake is a line of text, never a traceback."""
    signal.signal(signal.SIGTERM, _end)
    # Started in the background by a script it would be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        cloud_runner(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort as abort:
        if isinstance(abort.__cause__, KeyboardInterrupt):  # click's way to hand it on
            sys.exit(_INTERRUPTED)
        errors.print("nothing was done (--yes does not ask)")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except StackError as error:
        errors.print(f"[red]error:[/red] {escape(str(error))}")
        sys.exit(1)
    except (BotoCoreError, ClientError) as error:
        errors.print(f"[red]error:[/red] {escape(' '.join(str(error).split()))}")
        sys.exit(1)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        errors.print(f"[red]error:[/red] {escape(what)}")
        sys.exit(1)
    except subprocess.SubprocessError as error:
        # Without its arguments, which are long, and without its output, which was shown or logged.
        errors.print(f"[red]error:[/red] a program that was started failed: {type(error).__name__}")
        sys.exit(1)


def _end(_number: int, _frame: FrameType | None) -> None:
    # As an exception, so that everything that was started is ended on the way out.
    sys.exit(_TERMINATED)
