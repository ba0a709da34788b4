"""How facts are shown: tables that survive a pipe, others' texts, commands to type next."""

import os
import shlex
from collections.abc import Iterator, Sequence
from datetime import timedelta

from cli.account import Account
from cli.local_account import DEFAULT_STATE_DIR, STATE_DIR_VARIABLE
from local.layout import StateDir


def printable(text: str) -> str:
    r"""`text` on one line, with nothing in it that a terminal would obey.

    >>> printable("feature/x\x1b[2J\nmain")
    'feature/x\\x1b[2J\\nmain'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str) -> str:
    r"""The same, of a text whose lines stay lines, and whose tabs become the spaces they stand for.

    >>> printable_lines("would be overwritten:\n\tdata.csv")
    'would be overwritten:\n        data.csv'
    >>> printable_lines("git fetch:\n  fatal: \x1b[2Jnothing")
    'git fetch:\n  fatal: \\x1b[2Jnothing'
    """
    return "\n".join(printable(line.expandtabs()) for line in text.split("\n"))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, one per row however long: a terminal folds them, and `grep` finds them.

    >>> for line in table(["NAME", "STATE"], [["main", "failed"], ["feature/x", "none"]]):
    ...     print(line)
    NAME       STATE
    main       failed
    feature/x  none
    """
    lines = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def age(span: timedelta) -> str:
    """A time span in its largest unit, rounded down.

    >>> age(timedelta(minutes=200)), age(timedelta(seconds=20)), age(timedelta(days=9, hours=5))
    ('3 h', '20 s', '9 d')
    """
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


_DEFAULTS = {"ENVIRONMENT": "development", "ORGANIZATION": "acme"}


def _differs(value: str, name: str) -> bool:
    """Whether a value is another than that of a shell in which nothing was set, or than ours."""
    return value != _DEFAULTS[name] or f"CLOUD_RUNNER_{name}" in os.environ


def command(account: Account, *words: str) -> str:
    """A command of ours on the same account, ready to be typed."""
    names, profile, region = account.names, account.session.profile_name, account.given_region
    options = [
        *(["-e", names.environment] if _differs(names.environment, "ENVIRONMENT") else []),
        *(
            ["--organization", names.organization]
            if _differs(names.organization, "ORGANIZATION")
            else []
        ),
        *(["--profile", profile] if profile != "default" else []),
        *(["--region", region] if region is not None else []),
        *_local(account.local),
    ]
    return shlex.join(["cloud-runner", *words, *options])


def _local(state: StateDir | None) -> list[str]:
    if state is None:
        return []
    elsewhere = state.root != DEFAULT_STATE_DIR or STATE_DIR_VARIABLE in os.environ
    return ["--local", *(["--state-dir", str(state.root)] if elsewhere else [])]
