"""The descriptors of standard output and error, below what Python makes of them."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress

STANDARD = (1, 2)


def fill_standard() -> None:
    """Open what is closed of the standard descriptors, before another file gets their numbers."""
    for descriptor in (0, *STANDARD):
        try:
            os.fstat(descriptor)
        except OSError:  # noqa: PERF203 - three times
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - the library's


def flush() -> None:
    """Let go of what Python still holds back."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, however slowly it is read.

    Raises:
        OSError: nobody reads it any more.
    """
    while data:
        data = data[_write_some(descriptor, data) :]


def _write_some(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:  # whoever shares it has made it non-blocking
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        poll.poll()
        return 0
