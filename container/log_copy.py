"""The log as a file, to be stored beside the results. At any moment it can be read as it is."""

from __future__ import annotations

from pathlib import Path

# A log in a loop must not fill the machine's disk, which other jobs share.
LIMIT = 64 * 1024 * 1024
_LONGEST_LINE = 64 * 1024


class LogCopy:
    """Keeps all of a log, or of one longer than `limit` bytes its beginning and its end.

    The beginning is half of that, the end at least a quarter. A line between tells what is missing.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        """Begin an empty file.

        Raises:
            OSError: it cannot be written.
        """
        # Unbuffered: who reads the file sees what the log has shown. A write is a batch of lines.
        self._file = path.open("w+b", buffering=0)
        self._limit = limit
        self._size = 0
        self._head = 0
        self._note = b""
        self._left_out = 0

    def write(self, lines: bytes) -> None:
        """Add whole lines.

        Raises:
            OSError: the disk is full, say.
        """
        if self._size + len(lines) > self._limit:
            self._drop_the_middle()
        self._put(lines)

    def close(self) -> None:
        """Nothing more will come."""
        self._file.close()

    def _drop_the_middle(self) -> None:
        self._head = self._head or self._line_end(self._limit // 2)
        dropped = self._head + len(self._note)
        tail = self._line_end(max(dropped, self._size - self._limit // 4))
        kept = self._from(tail)
        self._left_out += tail - dropped
        self._note = f"[… {self._left_out} bytes of the log are left out here …]\n".encode()
        self._size = self._head
        self._file.seek(self._head)
        self._file.truncate()
        self._put(self._note + kept)

    def _put(self, data: bytes) -> None:
        while data:
            written = self._file.write(data) or 0
            self._size += written
            data = data[written:]

    def _line_end(self, at: int) -> int:
        """Where the line that stands at a position ends; the position itself if not soon."""
        self._file.seek(at)
        found = self._file.read(_LONGEST_LINE).find(b"\n")
        return at + found + 1

    def _from(self, at: int) -> bytes:
        self._file.seek(at)
        return self._file.read()
