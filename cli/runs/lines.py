"""The lines of a log: found in chunks of bytes, counted from the end, made fit for a terminal."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

from cli.shown import printable

_CHUNK = 1 << 18
_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")


class Readable(Protocol):
    """A file, or the body of an answer."""

    def read(self, amt: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def read_in_chunks(file: Readable) -> Iterator[bytes]:
    """What is left of a file."""
    while data := file.read(_CHUNK):
        yield data


def complete(chunks: Iterable[bytes], *, whole: bool) -> Iterator[bytes]:
    r"""The chunks, each cut after the last line's end in it; `whole`: and what comes after that.

    >>> list(complete([b"one\ntw", b"o", b"\nthr"], whole=False))
    [b'one\n', b'two\n']
    >>> list(complete([b"one\ntw"], whole=True))
    [b'one\n', b'tw']
    """
    held = b""
    for chunk in chunks:
        lines, end, rest = chunk.rpartition(b"\n")
        if end:
            yield held + lines + end
            held = rest
        else:
            held += chunk
    if whole and held:
        yield held


def last_lines_begin(file: BinaryIO, count: int) -> int:
    """Where the last `count` lines of a file begin; what follows the last line's end is one."""
    at = end = file.seek(0, os.SEEK_END)
    left = count
    while at:
        size = min(_CHUNK, at)
        at = file.seek(at - size)
        chunk = file.read(size)
        if at + size == end:
            chunk = chunk.removesuffix(b"\n")
        found = len(chunk)
        while (found := chunk.rfind(b"\n", 0, found)) >= 0:
            left -= 1
            if not left:
                return at + found + 1
    return 0


def lines_of(text: str) -> list[str]:
    r"""The lines of a part of a log.

    >>> lines_of("one\n\ntwo\n"), lines_of("")
    (['one', '', 'two'], [])
    """
    return text.removesuffix("\n").split("\n") if text else []


def plain(line: str) -> str:
    r"""A line of a log as it is shown: no colours, and nothing else that a terminal would obey.

    Of what a progress bar has written over itself the last is shown.

    >>> plain("\x1b[32mepoch 1\x1b[0m\tloss 0.5\x1b]0;title\x07")
    'epoch 1\tloss 0.5\\x1b]0;title\\x07'
    >>> plain("10%\r50%\r100%\r")
    '100%'
    """
    shown = _COLOUR.sub("", line).rstrip("\r").rpartition("\r")[2]
    return "\t".join(printable(part) for part in shown.split("\t"))
