"""What a job is told to type after `dvc exp run`, as text and back."""

from collections.abc import Sequence

import click

from cli.runs.arguments import join
from shared.arguments import split
from shared.hydra import ArgumentError


def joined(words: Sequence[str]) -> str:
    """The text that a job splits into `words` again.

    Raises:
        click.ClickException: no text is split into one of them.

    """
    try:
        return join(words)
    except ArgumentError as error:
        raise click.ClickException(str(error)) from error


def name_in(text: str | None) -> str | None:
    """The experiment's name in a run's arguments; None if they begin with none.

    >>> name_in("--name wet-lynx --force train")
    'wet-lynx'
    """
    try:
        words = split(text or "")
    except ArgumentError:
        return None
    return words[1] if len(words) > 1 and words[0] == "--name" else None
