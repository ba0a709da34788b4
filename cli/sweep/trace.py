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

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cli.sweep.config_plan import differences
from cli.sweep.trace_lock import locked, unwritable
from cli.sweep.trace_state import Target, TraceError, TraceState
from shared.events import timestamp

_VERSION = 1
_BEGINNING = b'{"kind":"sweep",'


class Trace:
    """The file, open for this process alone; `state` is what it says.

    One in which nothing was written, and which was not there before, is taken away again.
    """

    def __init__(self, path: Path, descriptor: int, state: TraceState, size: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size = size
        self._made = False
        self.state = state

    @classmethod
    def lock(cls, path: Path) -> Self:
        """The trace as it is, or a new one, for this process alone; nothing is written yet.

        Raises:
            TraceError: it is no trace, another process has it, or it can neither be read nor
                written.

        """
        descriptor, made = locked(path)
        try:
            content = path.read_bytes()
            _check_beginning(path, content)
            # What stands behind the last line's end was never finished.
            whole = content[: content.rfind(b"\n") + 1]
            trace = cls(path, descriptor, TraceState.read(whole, str(path)), len(whole))
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                raise unwritable(path, error) from error
            raise
        trace._made = made
        return trace

    @classmethod
    def open(cls, path: Path, targets: Sequence[Target]) -> Self:
        """The trace of a sweep, made if there is none; of an older one, its targets' ids are kept.

        Raises:
            TraceError: it is no trace or of another sweep, another process has it, or it can
                neither be read nor written.

        """
        trace = cls.lock(path)
        try:
            trace.begin(targets)
        except BaseException:
            trace.close()
            raise
        return trace

    def begin(self, targets: Sequence[Target]) -> None:
        """Write the first line, or see that it is of these targets; their ids may be others.

        Raises:
            TraceError: it is of another sweep, or cannot be written.

        """
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError as error:
            raise unwritable(self.path, error) from error
        if self.state.targets:
            self.check([one.fingerprint for one in targets])
        else:
            self.note("sweep", version=_VERSION, targets=[one.as_json() for one in targets])

    def check(self, fingerprints: Sequence[str]) -> None:
        """See that a trace which was begun is of the targets with these fingerprints.

        Raises:
            TraceError: it is of others; the text says in what they differ.

        """
        if self.state.targets:
            _check_same(self.path, [one.fingerprint for one in self.state.targets], fingerprints)

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
            raise unwritable(self.path, error) from error
        self._size += len(content)
        self.state.take(told)

    def close(self) -> None:
        """Let others have the file."""
        if self._made and self._size == 0:
            with suppress(OSError):
                self.path.unlink()
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


def _write_all(descriptor: int, content: bytes, place: int) -> None:
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], place + written)


def _check_beginning(path: Path, content: bytes) -> None:
    """Refuse a file that begins otherwise, even if that is a line that was not finished."""
    if content[: len(_BEGINNING)] != _BEGINNING[: len(content)]:
        message = f"{path} is no trace of a sweep: name another file"
        raise TraceError(message)


def _check_same(path: Path, known: Sequence[str], wanted: Sequence[str]) -> None:
    if len(known) != len(wanted):
        message = f"has another number of targets, {len(known)} and not {len(wanted)}"
    else:
        pairs = zip(known, wanted, strict=True)
        differing = {key for one, other in pairs for key in differences(one, other)}
        message = f"differs in {', '.join(sorted(differing))}" if differing else ""
    if message:
        told = f"the trace {path} is of another sweep, which {message}: name another --trace-file"
        raise TraceError(told)
