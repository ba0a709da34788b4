"""Bytes that arrive over a connection: a file gets its name once all of them are there."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 256 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A stream that has ended: the file it went to, its size in bytes, its sha256 in hex."""

    path: Path
    size: int
    sha256: str


@contextmanager
def arriving(stream: IO[bytes], folder: Path) -> Iterator[Arrived]:
    """A stream's bytes under a passing name in a folder; gone after the block unless renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{uuid.uuid4()}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("xb") as file:
            while chunk := stream.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        yield Arrived(path, size, digest.hexdigest())
    finally:
        path.unlink(missing_ok=True)
