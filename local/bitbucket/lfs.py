"""Git LFS objects: files named by the sha256 of what they hold, each repository's own."""

import re
from pathlib import Path
from typing import IO

from local.bitbucket.answers import Json, Refused
from local.bitbucket.arriving import arriving

OID = re.compile(r"[0-9a-f]{64}")


class Objects:
    """All LFS objects of the stand-in, in `root/workspace/slug/first two digits/oid`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def size(self, repository: str, oid: str) -> int | None:
        """An object's size in bytes; None if the repository has none of that oid."""
        path = self._path(repository, oid)
        return path.stat().st_size if path.exists() else None

    def open(self, repository: str, oid: str) -> IO[bytes]:
        """An object's bytes; 404 if the repository has none of that oid."""
        path = self._path(repository, oid)
        if not path.exists():
            raise Refused(404, "Object does not exist")
        return path.open("rb")

    def store(self, repository: str, oid: str, stream: IO[bytes]) -> None:
        """Keep an object; 422 if its bytes are others than its oid says."""
        path = self._path(repository, oid)
        with arriving(stream, path.parent) as arrived:
            if arrived.sha256 != oid:
                raise Refused(422, f"the sha256 of the {arrived.size} bytes is {arrived.sha256}")
            arrived.path.rename(path)

    def _path(self, repository: str, oid: str) -> Path:
        if not OID.fullmatch(oid):
            raise Refused(422, "an oid is a sha256 of 64 digits, in lower case")
        return self._root / repository / oid[:2] / oid


def read_pointer(sent: object) -> tuple[str, int]:
    """The oid and the size, in bytes, of an object that a client asks for; 422 if wrong."""
    oid, size = (sent.get("oid"), sent.get("size")) if isinstance(sent, dict) else (None, None)
    if not isinstance(oid, str) or not OID.fullmatch(oid):
        raise Refused(422, "an oid is a sha256 of 64 digits, in lower case")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise Refused(422, "a size is a whole number of bytes")
    return oid, size


def object_error(sent: object, refused: Refused) -> Json:
    """What a batch says of an object that it cannot serve, beside those that it can."""
    told = sent if isinstance(sent, dict) else {}
    error = {"code": refused.status, "message": refused.message}
    return {"oid": told.get("oid"), "size": told.get("size"), "error": error}
