"""What cloud-init takes from user data: scripts, alone or as parts of a message, gzip'd or not.

cloud-init documentation, "User data formats". Cloud-config and the other formats are left alone.
The scripts are files of a folder, which run in the order of their names.
"""

import email
import gzip
import string
from typing import Final

_GZIP: Final = b"\x1f\x8b"
_SCRIPT: Final = b"#!"
_MIME: Final = (b"content-type:", b"mime-version:")
# As cloud-init's util.clean_filename: the rest of a name is left out.
_IN_NAMES: Final = f"{string.ascii_letters}{string.digits}_-.()"


def scripts_in(user_data: bytes) -> list[bytes]:
    r"""The scripts, in the order in which they run.

    >>> scripts_in(b"#!/bin/sh\ntrue\n")
    [b'#!/bin/sh\ntrue\n']
    >>> scripts_in(gzip.compress(b"#cloud-config\n{}\n"))
    []

    Raises:
        ValueError: it is nothing that cloud-init would know.
    """
    plain = _plain(user_data)
    if plain.lower().startswith(_MIME):
        parts = sorted(_parts(plain).items())
        return [part for _, part in parts if part.startswith(_SCRIPT)]
    if plain.startswith(_SCRIPT):
        return [plain]
    if plain.strip() and not plain.startswith(b"#"):
        raise ValueError(f"user data that begins with {plain[:20]!r} is no format of cloud-init")
    return []


def _parts(message: bytes) -> dict[str, bytes]:
    """The parts by their names: of two of one name, the latter is left."""
    walked = email.message_from_bytes(message).walk()
    found = {}
    for number, part in enumerate((one for one in walked if not one.is_multipart()), 1):
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            found[_name(part.get_filename()) or f"part-{number:03}"] = _plain(payload)
    return found


def _name(told: str | None) -> str:
    return "".join(one for one in (told or "").replace("/", "_") if one in _IN_NAMES)


def _plain(data: bytes) -> bytes:
    try:
        return gzip.decompress(data) if data.startswith(_GZIP) else data
    except (OSError, EOFError) as error:
        raise ValueError("user data that cannot be unpacked") from error
