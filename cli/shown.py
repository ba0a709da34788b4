"""How facts are shown: tables that survive a pipe, others' texts, commands to type next."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import timedelta

from cli.account import Account


def printable(text: str) -> str:
    r"""`text` on one line, with nothing in it that a terminal would obey.

    >>> printable("feature/x\x1b[2J\nmain")
    'feature/x\\x1b[2J\\nmain'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, one per row however long: a terminal folds them, and `grep` finds them.

    >>> for line in table(["NAME", "STATE"], [["main", "failed"], ["feature/x", "none"]]):
    ...     print(line)
    NAME       STATE
    main       failed
    feature/x  none
    """
    lines = [head, *([printable(cell) for cell in row] for row in rows)]
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


def command(account: Account, *words: str) -> str:
    """A command of ours on the same account, ready to be typed."""
    names, profile = account.names, account.session.profile_name
    options = [
        *(["-e", names.environment] if names.environment != "development" else []),
        *(["--organization", names.organization] if names.organization != "acme" else []),
        *(["--profile", profile] if profile != "default" else []),
    ]
    return shlex.join(["cloud-runner", *words, *options])
