"""What people hand to `project add` beside the repository: options, files, typed answers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.project import credentials as typed
from cli.typed import FullName, pairs
from shared.bitbucket import Credentials

_Command = TypeVar("_Command", bound=Callable[..., Any])
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# Options for the parameters that most people ask for; the others go by --parameter.
_DEFAULTS = {
    "vcpus": ("Vcpus", "vCPUs of a job whose commit names none."),
    "memory": ("MemoryMiB", "MiB of memory of such a job."),
    "timeout": ("TimeoutSeconds", "Seconds after which a job is ended."),
}

_SUBMODULES = "Submodules"


def webhook_url(command: _Command) -> _Command:
    """The option `--webhook-url`."""
    return click.option(
        "--webhook-url",
        envvar="CLOUD_RUNNER_WEBHOOK_URL",
        show_envvar=True,
        help="Where Bitbucket reaches the stack, if not at its own address.",
    )(command)


def webhook_credentials(command: _Command) -> _Command:
    """The option `--webhook-credentials-file`."""
    return click.option(
        "--webhook-credentials-file",
        type=FILE,
        help="Credentials that may change webhooks, if others; never stored.",
    )(command)


def job_defaults(command: _Command) -> _Command:
    """The options `--vcpus`, `--memory`, `--timeout`."""
    for option, (name, meaning) in reversed(_DEFAULTS.items()):
        shown = f"{meaning} Same as --parameter {name}=…"
        command = click.option(f"--{option}", type=click.IntRange(0), help=shown)(command)
    return command


def submodules(command: _Command) -> _Command:
    """The option `--submodule`."""
    return click.option(
        "--submodule",
        "submodules",
        type=FullName(),
        multiple=True,
        help="A repository that jobs may fetch with the shared credentials, as a submodule or by "
        "Git LFS. May be given again; those that are given replace those of before.",
    )(command)


def parameters(
    given: tuple[str, ...], defaults: dict[str, int | None], submodules: tuple[str, ...] = ()
) -> dict[str, str]:
    """Parameters of the template, from `--parameter` and from the options with names."""
    named = {
        option: (_DEFAULTS[option][0], str(value))
        for option, value in defaults.items()
        if value is not None
    }
    if submodules:
        named["submodule"] = (_SUBMODULES, ",".join(dict.fromkeys(submodules)))
    found = pairs(given)
    for option, (name, value) in named.items():
        if found.setdefault(name, value) != value:
            message = f"--{option} and --parameter {name}=… say different things"
            raise click.UsageError(message)
    return found


def credentials(file: Path | None) -> Credentials | None:
    """The credentials in a file, if one was named."""
    return None if file is None else typed.from_file(file)


def variables(asked: tuple[str, ...], file: Path | None) -> dict[str, str]:
    """Variables of the project's own: those in a file, and those to be typed in."""
    found = {} if file is None else _variables_in(file)
    for name in (*asked, *found):
        if not _VARIABLE.fullmatch(name):
            message = f"{name!r} cannot be a variable's name"
            raise click.ClickException(message)
    return found | {name: click.prompt(name, hide_input=True) for name in asked}


def _variables_in(file: Path) -> dict[str, str]:
    try:
        found = json.loads(typed.private_text(file))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        message = f"{file} is not a JSON object of variables and their texts"
        raise click.ClickException(message)
    return found
