"""What can be said about an image on the command line."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.account import account_options
from cli.images.platforms import AMD64, ARM64
from cli.typed import FullName

_Command = TypeVar("_Command", bound=Callable[..., Any])
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")  # github.com/distribution, "reference"


def _tags(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> Sequence[str]:
    for value in values:
        if not _TAG.fullmatch(value):
            message = f"{value} is no tag: letters, digits, '_', '.', '-', 128 at most"
            raise click.BadParameter(message)
    return values


def image_options(wrapped: _Command) -> _Command:
    """Click arguments and options of every command about an image, the account's among them."""
    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    options = (
        click.argument("full_name", type=FullName(), metavar="WORKSPACE/SLUG"),
        account_options,
        click.option("--context", type=folder, help="The project's folder.  [default: this one]"),
        click.option(
            "--file", "dockerfile", type=file, help="The Dockerfile.  [default: the folder's own]"
        ),
        click.option(
            "--tag",
            "tags",
            multiple=True,
            callback=_tags,
            help="A tag. May be given again.  [default: latest, and the commit]",
        ),
        click.option(
            "--platform",
            "processors",
            type=click.Choice([AMD64, ARM64]),
            help="The processors.  [default: those of the stack's machines]",
        ),
        click.option("--base", help="The Dockerfile's build argument BASE."),
        click.option("--dry-run", is_flag=True, help="Print the commands, and run none."),
    )
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped
