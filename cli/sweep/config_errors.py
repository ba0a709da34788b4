"""What is wrong with the files of a sweep: all of it at once, each with its place."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from shared.errors import Rejected

_MOST_TOLD = 20


class Problem(Exception):
    """One thing that is wrong, with its place."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what keeps a file from being read as text into a Problem."""
    try:
        yield
    except OSError as error:
        message = f"{path}: {error.strerror or 'cannot be read'}"
        raise Problem(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: this is no UTF-8 text"
        raise Problem(message) from error


class ConfigError(click.ClickException):
    """The files or the options of a sweep cannot be what is wanted; nothing was submitted."""

    exit_code = 2  # as click has it for a command line that is wrong


class Problems:
    """What is found to be wrong on the way."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def note(self, where: object, what: str) -> None:
        """Keep one; it is told once, however often it is found."""
        line = f"{where}: {what}"
        if line not in self._told:
            self._told.append(line)

    @contextmanager
    def at(self, where: object) -> Iterator[None]:
        """Keep what is rejected within."""
        try:
            yield
        except Rejected as rejected:
            self.note(where, str(rejected))
        except Problem as problem:
            self._told.append(str(problem))

    def __bool__(self) -> bool:
        return bool(self._told)

    def raise_any(self) -> None:
        """End here if anything was wrong.

        Raises:
            ConfigError: it was.

        """
        if self._told:
            raise ConfigError(_lines(self._told))


def _lines(told: Sequence[str]) -> str:
    shown = list(told[:_MOST_TOLD])
    if len(told) > _MOST_TOLD:
        shown.append(f"and {len(told) - _MOST_TOLD} more")
    return shown[0] if len(shown) == 1 else "\n  ".join(["nothing was submitted:", *shown])
