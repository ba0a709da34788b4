"""A trace's file, locked: one process at a time has it, and is told so at once."""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from cli.sweep.trace_state import TraceError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def locked(path: Path) -> tuple[int, bool]:
    """A descriptor of the file, which no other process has locked; whether it was made for that."""
    while True:
        try:
            descriptor, made = _opened(path)
        except OSError as error:
            raise unwritable(path, error) from error
        _lock(path, descriptor)
        # Whoever had it until now may have taken it away.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor, made
        os.close(descriptor)


def _opened(path: Path) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with suppress(FileExistsError):
        return os.open(path, flags | os.O_EXCL, 0o644), True
    return os.open(path, flags, 0o644), False


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise unwritable(path, error) from error
        message = f"another process is at the trace {path}: wait for it, or name another file"
        raise TraceError(message) from error


def unwritable(path: Path, error: OSError) -> TraceError:
    """What is said of a trace that cannot be written."""
    if error.errno in _FULL:
        return TraceError(
            f"the disk is full: nothing was added to the trace {path}; make room, then type the "
            "command again: it goes on where it was"
        )
    return TraceError(f"writing the trace {path}: {error.strerror or error}")
