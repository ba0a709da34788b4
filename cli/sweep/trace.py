"""What a sweep has done, line by line in a file, so that another process can go on with it.

Each line is a JSON object: `kind`, `at` and what is known. A line is on the disk before what it
tells of is done, or right after that was seen; whoever reads it does the last step again, and each
step does nothing the second time. Lines are only ever added. A process that dies while it writes
leaves half a line, which the next one cuts off. One process at a time has the file.

    kind      facts
    sweep     version, targets: for each its sweep_id and its plan's fingerprint. The first line
    wave      wave, target (its place, from 0), points, run_id. Before its record is made
    sent      wave. Its record is there, and the submitter has been asked
    ended     wave, results: a list of `Finished.as_json`. The last word on a point holds
    over      wave. Its job is at its end
    finished  outcome. Nothing more is to be done
"""

import errno
import fcntl
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cli.sweep.config_plan import differences
from cli.sweep.trace_state import Target, TraceError, TraceState
from shared.events import timestamp

_VERSION = 1
_BEGINNING = b'{"kind":"sweep",'
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Trace:
    """The file, open for this process alone; `state` is what it says."""

    def __init__(self, path: Path, descriptor: int, state: TraceState, size: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._size = size
        self.state = state

    @classmethod
    def open(cls, path: Path, targets: Sequence[Target]) -> Self:
        """The trace of a sweep, made if there is none; of an older one, its targets' ids are kept.

        Raises:
            TraceError: it is no trace or of another sweep, another process has it, or it can
                neither be read nor written.

        """
        descriptor = _locked(path)
        try:
            content = path.read_bytes()
            # What stands behind the last line's end was never finished.
            whole = content[: content.rfind(b"\n") + 1]
            _check_beginning(path, content)
            state = TraceState.read(whole, str(path))
            if len(whole) < len(content):
                os.ftruncate(descriptor, len(whole))
            trace = cls(path, descriptor, state, len(whole))
            if state.targets:
                _check_same(path, state.targets, targets)
            else:
                trace.note("sweep", version=_VERSION, targets=[one.as_json() for one in targets])
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                raise _unwritable(path, error) from error
            raise
        return trace

    def note(self, kind: str, **facts: Any) -> None:
        """Add a line; it is on the disk when this returns, or not in the file at all.

        Raises:
            TraceError: it cannot be written.

        """
        told = {"kind": kind, "at": timestamp(datetime.now(UTC)), **facts}
        line = json.dumps(told, separators=(",", ":"), allow_nan=False)
        content = line.encode() + b"\n"
        try:
            _write_all(self._descriptor, content, self._size)
            os.fsync(self._descriptor)
        except OSError as error:
            # Half a line is cut off again, so that the next one does not become its end.
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise _unwritable(self._path, error) from error
        self._size += len(content)
        self.state.take(told)

    def close(self) -> None:
        """Let others have the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def look(path: Path) -> TraceState:
    """What a trace says, without taking it from whoever writes it.

    Raises:
        TraceError: it is no trace, or cannot be read.

    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"reading the trace {path}: {error.strerror}"
        raise TraceError(message) from error
    return TraceState.read(content[: content.rfind(b"\n") + 1], str(path))


def _locked(path: Path) -> int:
    """A descriptor of the file, made if it is not there, which no other process has locked."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise _unwritable(path, error) from error
        message = f"another process is at the trace {path}: wait for it, or name another file"
        raise TraceError(message) from error
    return descriptor


def _write_all(descriptor: int, content: bytes, place: int) -> None:
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], place + written)


def _check_beginning(path: Path, content: bytes) -> None:
    """Refuse a file that begins otherwise, even if that is a line that was not finished."""
    if content[: len(_BEGINNING)] != _BEGINNING[: len(content)]:
        message = f"{path} is no trace of a sweep: name another file"
        raise TraceError(message)


def _check_same(path: Path, known: Sequence[Target], wanted: Sequence[Target]) -> None:
    if len(known) != len(wanted):
        message = f"has another number of targets, {len(known)} and not {len(wanted)}"
    else:
        pairs = zip(known, wanted, strict=True)
        differing = {
            key for one, other in pairs for key in differences(one.fingerprint, other.fingerprint)
        }
        message = f"differs in {', '.join(sorted(differing))}" if differing else ""
    if message:
        told = f"the trace {path} is of another sweep, which {message}: name another --trace-file"
        raise TraceError(told)


def _unwritable(path: Path, error: OSError) -> TraceError:
    if error.errno in _FULL:
        return TraceError(
            f"the disk is full: nothing was added to the trace {path}; make room, then type the "
            "command again: it goes on where it was"
        )
    return TraceError(f"writing the trace {path}: {error.strerror or error}")
