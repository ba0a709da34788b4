"""How a command ends, as a script sees it: the exit codes, in one place."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

DONE: Final = 0
NOT_DONE: Final = 1
WRONGLY_TYPED: Final = 2
NOT_SUCCESSFUL: Final = 3
MAYBE_RUNNING: Final = 4
INTERRUPTED: Final = 130
TERMINATED: Final = 143

MEANINGS: Final = {
    DONE: "it is done",
    NOT_DONE: "it could not be done; the message says why",
    WRONGLY_TYPED: "the command line is wrong",
    NOT_SUCCESSFUL: "the run or sweep that was watched did not succeed",
    MAYBE_RUNNING: "a machine of one's own may still be running; the message names it",
    INTERRUPTED: "ended by Ctrl-C",
    TERMINATED: "ended by SIGTERM",
}


class NotSuccessful(click.ClickException):
    """What was watched has ended, and not well; the text says what and how."""

    exit_code = NOT_SUCCESSFUL


class MachineMayRun(click.ClickException):
    """Nobody knows that a machine of one's own has ended; the text names it and how to end it."""

    exit_code = MAYBE_RUNNING


@contextmanager
def ended_by_ctrl_c(words: str | None = None) -> Iterator[None]:
    """What goes on until somebody ends it: Ctrl-C is no interruption of it.

    `words` are said, as they are after SIGTERM.
    """

    def say() -> None:
        if words is not None:
            click.echo(f"\n{words}", err=True)

    try:
        yield
    except KeyboardInterrupt:
        say()
        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        if ended.code == TERMINATED:
            say()
        raise
