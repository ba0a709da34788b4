"""The pipe behind standard output and error, through which everything passes on its way to the log.

Every program that the job starts inherits the pipe. A thread reads it all the time; whoever has a
line of our own first reads what stands in the pipe, so that all lines keep their order. Nothing
gets around the masks: if the filter fails, what programs write from then on is dropped, not shown.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, RLock, Thread, current_thread, main_thread
from typing import Protocol

from container.descriptors import STANDARD, flush, write_all
from container.lines import Lines, plain
from container.masking import Masks

_KEPT_LINES = 400
_CHUNK = 64 * 1024
_POLL_MILLISECONDS = 250
# At the end: for a program that still holds the pipe, and for a reader of ours that is slow.
_LINGER_SECONDS = 1.0
_SLOW_SECONDS = 10.0


class Keeps(Protocol):
    """What keeps the log: see `container.log_copy`."""

    def write(self, lines: bytes) -> None:
        """Add whole lines."""

    def close(self) -> None:
        """Nothing more will come."""


class Flow:
    """From `start` to `end`, everything written to descriptors 1 and 2 goes through here.

    `hear` is told each line that programs write, as it is shown. It may have a line of ours said.
    """

    def __init__(self, masks: Masks, copy: Keeps | None, hear: Callable[[str], None]) -> None:
        self._masks = masks
        self._copy = copy
        self._hear: Callable[[str], None] | None = hear
        self._lines: Lines | None = Lines(masks, time.monotonic)
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._unwritten: list[str] = []
        self._stdout: int | None = None
        self._pipe: int | None = None
        self._lock = RLock()  # `hear` and signal handlers may say something
        self._busy = False
        self._over = Event()
        self._thread = Thread(target=self._follow, name="log", daemon=True)
        self._process = 0

    @property
    def open(self) -> bool:
        """Whether it flows, seen from this process: a fork of ours just writes into the pipe."""
        return self._process == os.getpid()

    def start(self) -> None:
        """Put the pipe in place."""
        flush()
        self._real = [os.dup(descriptor) for descriptor in STANDARD]
        self._stdout = self._real[0]
        self._pipe, write = os.pipe()
        for descriptor in STANDARD:
            os.dup2(write, descriptor)
        os.close(write)
        self._process = os.getpid()
        self._thread.start()

    def end(self) -> None:
        """Take the pipe away, though some program may still hold its other end."""
        if not self.open:
            return
        flush()
        for real, descriptor in zip(self._real, STANDARD):
            os.dup2(real, descriptor)
        self._thread.join(_LINGER_SECONDS)
        self._over.set()
        self._thread.join(_SLOW_SECONDS)
        self._process = 0
        if not self._thread.is_alive():
            for real in self._real:
                os.close(real)

    def say(self, lines: Sequence[str]) -> None:
        """Show lines of our own, after all that programs have written before.

        A line that has not ended yet comes before ours if the main thread speaks, which waits for
        the programs that it starts; beside another thread a program may be in the middle of it.
        """
        with self._lock:
            if not self._busy:
                self._read_waiting()
                if current_thread() is main_thread():
                    self._tell(Lines.pause)
            self._unwritten += self._masks.hide("\n".join(map(plain, lines))).split("\n")
            self._write()

    def tail(self, count: int) -> list[str]:
        """The last lines that programs have written, oldest first, 400 at most."""
        with self._lock:
            if self.open and not self._busy:
                self._read_waiting()
                self._tell(Lines.pause)
            return list(self._last)[-count:] if count > 0 else []

    def _follow(self) -> None:
        # Signals are for the main thread, which must wake up when one comes.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        poll = select.poll()
        poll.register(self._pipe or 0, select.POLLIN)
        while not self._over.is_set():
            events = poll.poll(_POLL_MILLISECONDS)
            with self._lock:
                if not self._read_waiting() and any(event & select.POLLHUP for _, event in events):
                    break  # nobody is left who could write
                self._tell(Lines.quiet)
        with self._lock:
            self._read_waiting()
            self._tell(Lines.finish)
            self._close()

    def _read_waiting(self) -> bool:
        """Read what stands in the pipe now, and no longer; whether anything did."""
        if self._pipe is None:
            return False
        (waiting,) = struct.unpack("i", fcntl.ioctl(self._pipe, termios.FIONREAD, bytes(4)))
        left = waiting
        with self._undisturbed():
            while left > 0:
                written = os.read(self._pipe, min(left, _CHUNK))
                left -= len(written)
                self._take(written)
        return bool(waiting > 0)

    def _take(self, written: bytes) -> None:
        self._tell(lambda lines: lines.feed(written))

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Whoever says something in here, `hear` or a signal handler, reads nothing meanwhile."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _tell(self, ask: Callable[[Lines], list[str]]) -> None:
        """Show what the filter has to show, and tell it to `hear`."""
        if self._lines is None:
            return
        try:
            with self._undisturbed():
                for line in ask(self._lines):
                    self._last.append(line)
                    self._unwritten.append(line)
                    self._let_hear(line)
        except Exception as error:  # noqa: BLE001 - whatever it is, programs must not wait for us
            self._lines = None
            self._complain(
                f"the log's filter failed ({type(error).__name__}): "
                "what programs write from here on is not shown"
            )
        self._write()

    def _let_hear(self, line: str) -> None:
        if self._hear is None:
            return
        try:
            self._hear(line)
        except Exception as error:  # noqa: BLE001 - the log goes on without its listener
            self._hear = None
            self._complain(f"following the log failed ({type(error).__name__}): it goes on alone")

    def _complain(self, text: str) -> None:
        self._unwritten.append(f"[cloud-run] {text}")

    def _write(self) -> None:
        """Bring the lines that are due to where they are read."""
        if not self._unwritten:
            return
        lines, self._unwritten = self._unwritten, []
        written = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
        if self._copy is not None:
            try:
                self._copy.write(written)
            except OSError as error:
                self._copy = None
                written += f"[cloud-run] the log's copy ends here: {error.strerror}\n".encode()
        if self._stdout is not None:
            try:
                write_all(self._stdout, written)
            except OSError:
                self._stdout = None  # nobody reads it any more; the copy still is

    def _close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self._copy is not None:
            with suppress(OSError):  # what could be written is
                self._copy.close()
            self._copy = None
