"""The log and the results as tar and gzip, on their way into an upload.

A tar file is whole wherever it ends between two files (pax(1)), and so is what gzip makes of
several pieces, one behind the other (RFC 1952, section 2.2). So a large file begins a piece of its
own: if there is no time for it, what came before it can still be stored.
"""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from container.agent.place import say
from container.agent.upload import Mark, Upload

# What takes long to compress is compressed already, as a rule.
_COMPRESSION = 4
_GZIP = 16 + zlib.MAX_WBITS
# A file of this size is worth a piece of its own. A smaller one is always read to its end.
_LARGE_BYTES = 8 * 1024 * 1024
_MAX_NAMED = 5


class _NoTime(Exception):
    """The rest would come too late."""


class _Pieces:
    """Pieces of gzip one behind the other, as a file that tarfile writes to."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._written = 0
        self._begin()

    def write(self, data: bytes) -> int:
        self._upload.write(self._gzip.compress(data))
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def mark(self) -> Mark:
        """End a piece: one can come back to here."""
        self.end()
        return self._upload.mark()

    def back(self, mark: Mark) -> None:
        self._upload.back(mark)
        self._begin()

    def end(self) -> None:
        self._upload.write(self._gzip.flush())
        self._begin()

    def _begin(self) -> None:
        self._gzip = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, _GZIP)


class Packing:
    """Log and results on their way into an upload."""

    def __init__(self, upload: Upload, hurry: Callable[[], bool]) -> None:
        self._pieces = _Pieces(upload)
        self._hurry = hurry
        self._left_out: list[str] = []
        self._tar = tarfile.open(  # noqa: SIM115 - see `pack`
            mode="w",
            fileobj=self._pieces,  # type: ignore[call-overload] # it writes and tells only
            format=tarfile.PAX_FORMAT,
        )

    def pack(self, log: tuple[str, IO[bytes]] | None, results: list[tuple[str, Path]]) -> list[str]:
        """Pack all that there is time for; what is left out."""
        if log is not None:
            name, file = log
            file.seek(0)
            info = self._tar.gettarinfo(arcname=name, fileobj=file)
            # What becomes of the log is known where it is written.
            self._add(info, _Steady(info, file, say))
        found = (entry for name, path in results for entry in self._walk(name, path))
        for name, path in found:
            if self._hurry() or not self._add_file(name, path):
                late = f"no time for {name} and what comes after it"
                say(f"results left out: {late}")
                self._left_out.insert(0, late)
                break
        # In tarfile's own way it would be closed when an error has come from S3, too.
        self._tar.close()
        self._pieces.end()
        more = len(self._left_out) - _MAX_NAMED
        return [*self._left_out[:_MAX_NAMED], *([f"{more} more"] if more > 0 else [])]

    def _walk(self, name: str, path: Path) -> Iterator[tuple[str, Path]]:
        # What was asked for is what a link leads to; further links are stored as such.
        path = Path(os.path.realpath(path))
        if not os.path.exists(path):  # noqa: PTH110 - Path's own raises
            return
        yield name, path
        if not path.is_dir():
            return
        for folder, folders, files in os.walk(path, onerror=self._fail):
            folders.sort()
            for entry in sorted(folders + files):
                found = Path(folder, entry)
                yield f"{name}/{found.relative_to(path)}", found

    def _add_file(self, name: str, path: Path) -> bool:
        """Add one, if possible; False if there is no time for it."""
        try:
            info: tarfile.TarInfo | None = self._tar.gettarinfo(path, name)
            if info is None:
                return True  # a socket
            if not info.isreg():
                self._tar.addfile(info)
                return True
            file = path.open("rb")
        except OSError as error:
            self._fail(error)
            return True
        with file:
            if info.size < _LARGE_BYTES:
                self._add(info, _Steady(info, file, self._leave_out))
                return True
            mark = self._pieces.mark()
            try:
                self._add(info, _Steady(info, file, self._leave_out, self._hurry))
            except _NoTime:
                self._pieces.back(mark)
                return False
        return True

    def _add(self, info: tarfile.TarInfo, content: _Steady) -> None:
        self._tar.addfile(info, content)

    def _fail(self, error: OSError) -> None:
        self._leave_out(str(error))

    def _leave_out(self, what: str) -> None:
        say(f"results left out: {what}")
        self._left_out.append(what)


class _Steady:
    """A file that is as long as it was, also if something shortens it meanwhile."""

    def __init__(
        self,
        info: tarfile.TarInfo,
        file: IO[bytes],
        leave_out: Callable[[str], None],
        hurry: Callable[[], bool] = lambda: False,
    ) -> None:
        self._name = info.name
        self._file = file
        self._left = info.size
        self._lost = False
        self._leave_out = leave_out
        self._hurry = hurry

    def read(self, size: int) -> bytes:
        if self._hurry():
            raise _NoTime
        wanted = min(size, self._left)
        try:
            data = self._file.read(wanted)
        except OSError as error:
            self._lose(str(error))
            data = b""
        self._left -= wanted
        if len(data) < wanted:
            self._lose("it became shorter meanwhile")
        return data + bytes(wanted - len(data))

    def _lose(self, why: str) -> None:
        if not self._lost:
            self._lost = True
            self._leave_out(f"the end of {self._name}: {why}")
