"""Locks that a process holds as long as it lives: nothing else tells as surely that it does."""

from __future__ import annotations

import fcntl
import os
import time

from container.agent.place import home

_POLL_SECONDS = 0.02
# To see whether a lock is held takes it for a moment: it is not to be had then.
_PATIENCE_SECONDS = 2.0
_WIDTH = 12


class Lock:
    """One of `agent.lock`, `watchdog.lock`, `begin.lock` and `setup.lock`, by its first word."""

    def __init__(self, name: str) -> None:
        self._path = home() / f"{name}.lock"
        self._held: int | None = None

    def prepare(self) -> None:
        """Let it have its file and the space for a process id, while there is space."""
        descriptor = self._open()
        try:
            if not os.fstat(descriptor).st_size:
                os.pwrite(descriptor, b" " * _WIDTH, 0)
        finally:
            os.close(descriptor)

    def take(self, seconds: float = _PATIENCE_SECONDS) -> bool:
        """Hold it until this process ends; False if another process does."""
        descriptor = self._open()
        until = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(descriptor)
                    return False
                time.sleep(_POLL_SECONDS)
        os.pwrite(descriptor, b"%-*d" % (_WIDTH, os.getpid()), 0)
        self._held = descriptor
        return True

    def holder(self) -> int | None:
        """The process that holds it; None if there is none."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._told(descriptor)
        else:
            return None
        finally:
            os.close(descriptor)

    def wait_for_holder(
        self, seconds: float, *, held: bool = True, other_than: int | None = None
    ) -> bool:
        """Wait until somebody holds it, or nobody; whether that came in time.

        The process `other_than`, whose end is waited for, is nobody.
        """
        until = time.monotonic() + seconds
        while (self.holder() not in (None, other_than)) is not held:
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)

    @staticmethod
    def _told(descriptor: int) -> int:
        told = os.pread(descriptor, _WIDTH, 0).strip()
        # It has it, and has not yet written who it is: 0 is nobody whom one could tell anything.
        return int(told) if told.isdigit() else 0
