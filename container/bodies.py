"""The bodies of HTTP messages, in blocks, so that none is ever held as a whole (RFC 9112)."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from email.message import Message
from io import BufferedIOBase

BLOCK = 64 * 1024  # bytes
_MAX_LINE = 1024


class BrokenOff(Exception):
    """A body ends before its end, or is framed as none is."""


def received(headers: Message, stream: BufferedIOBase) -> Iterator[bytes]:
    """The body of a request, without its framing.

    Raises:
        BrokenOff: the client has gone, or does not speak HTTP.
    """
    try:
        if is_chunked(headers):
            while size := _size(stream):
                yield from _blocks(stream, size)
                stream.readline(_MAX_LINE)  # what ends a chunk
            while stream.readline(_MAX_LINE) not in (b"\r\n", b"\n", b""):
                pass  # trailers
        else:
            yield from _blocks(stream, _number(headers.get("Content-Length") or "0", 10))
    except OSError as error:
        raise BrokenOff(type(error).__name__) from error


def is_chunked(headers: Message) -> bool:
    """Whether a request's length is told in its body."""
    return (headers.get("Transfer-Encoding") or "").strip().lower() == "chunked"


def answered(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body of an answer, as soon as something of it is there.

    Raises:
        OSError, HTTPException: the connection broke.
    """
    left = answer.length  # which some versions of Python count down while they read, some do not
    while left is None or left > 0:
        block = answer.read1(BLOCK if left is None else min(left, BLOCK))
        if not block:
            if left is not None:
                raise http.client.IncompleteRead(b"", left)
            return
        left = None if left is None else left - len(block)
        yield block


def chunk(block: bytes) -> bytes:
    """A block with the framing of a body whose length is not known; an empty one ends the body."""
    return b"%x\r\n%s\r\n" % (len(block), block)


def _blocks(stream: BufferedIOBase, left: int) -> Iterator[bytes]:
    while left:
        block = stream.read1(min(left, BLOCK))
        if not block:
            raise BrokenOff("the client has gone")
        left -= len(block)
        yield block


def _size(stream: BufferedIOBase) -> int:
    line = stream.readline(_MAX_LINE)
    return _number(line.decode("latin-1").partition(";")[0].strip(), 16)


def _number(text: str, base: int) -> int:
    if not text.isalnum():  # int() would take signs and underscores too
        raise BrokenOff(f"{text[:20]!r} is no length")
    try:
        return int(text, base)
    except ValueError as error:
        raise BrokenOff(f"{text[:20]!r} is no length") from error
