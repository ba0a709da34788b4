"""The experiment's log as a file on the machine, which others may move or remove."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from container.agent.place import say


class Log:
    """A new file at a path, whatever there was before."""

    def __init__(self, path: Path) -> None:
        """Begin it.

        Raises:
            OSError: it cannot be written, or is no file.
        """
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _open(path)
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise OSError(0, "is no file", str(path))
        os.ftruncate(self._file, 0)
        self._size = 0
        self.trouble: str | None = None
        # A full disk is found now, not when the experiment has run.
        self.write(b"cloud-runner: the log begins\n")
        if self.trouble:
            raise OSError(0, self.trouble, str(path))

    def write(self, data: bytes) -> None:
        """Add to it; what does not go there is a trouble, and no error."""
        while data:
            try:
                written = os.write(self._file, data)
            except OSError as error:
                self._note(error.strerror or str(error))
                return
            self._size += written
            data = data[written:]

    def look(self) -> None:
        """See whether it is still where it was, and whole."""
        try:
            here, there = os.fstat(self._file), self._path.stat()
        except OSError as error:
            self._note(error.strerror or str(error))
            return
        if not os.path.samestat(here, there):
            self._note("another file is in its place")
        elif here.st_size < self._size:
            self._note("somebody has shortened it")

    def reader(self) -> IO[bytes]:
        """All that was written, also if the file is no longer where it was."""
        return os.fdopen(os.dup(self._file), "rb")

    def _note(self, trouble: str) -> None:
        if self.trouble is None:
            self.trouble = trouble
            say(f"log {self._path}: {trouble}")


def _open(path: Path) -> int:
    # A FIFO that nobody reads would let us wait.
    flags = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        # In a folder like /var/tmp what is another user's may be opened by root, but not with
        # O_CREAT: Linux, Documentation/admin-guide/sysctl/fs.rst, protected_regular.
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o644)
