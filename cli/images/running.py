"""Running a command of an engine: its output is the user's to see, its password nobody's."""

import os
import subprocess

import click

from cli.images.recipe import Command

_WORK_SECONDS = 2 * 3600  # a build that compiles, an upload of many gigabytes
_LOGIN_SECONDS = 120


def run(command: Command) -> None:
    """Run a command that shows its own progress.

    Raises:
        click.ClickException: it fails; what it says has been shown.

    """
    _run(command, seconds=_WORK_SECONDS)


def log_in(command: Command, password: str) -> None:
    """Run a login, with the password on its standard input and its output kept back.

    Raises:
        click.ClickException: it fails; the text is what it said.

    """
    _run(command, seconds=_LOGIN_SECONDS, password=password)


def _run(command: Command, *, seconds: float, password: str | None = None) -> None:
    what = " ".join(command.words[:2])
    try:
        ended = subprocess.run(
            command.words,
            env=os.environ | command.environment,
            input=password,
            stdin=subprocess.DEVNULL if password is None else None,
            capture_output=password is not None,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{what}: did not end within {seconds:.0f} s"
        raise click.ClickException(message) from error
    if ended.returncode != 0:
        said = (ended.stderr or "").strip() if password is not None else "its output is above"
        message = f"{what} ended with {ended.returncode}: {said or 'it said nothing'}"
        raise click.ClickException(message)
