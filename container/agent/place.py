"""Where the agent's files are, and how they are written so that none is ever half there."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

# Space for the agent's last words, should the disk be full by then.
_RESERVE_BYTES = 64 * 1024


def rooted(path: str) -> Path:
    """An absolute path of the machine, under $CLOUD_RUNNER_ROOT if that is set."""
    return Path(os.environ.get("CLOUD_RUNNER_ROOT", "/"), path.lstrip("/"))


def home() -> Path:
    """The agent's folder."""
    return rooted("/var/lib/cloud-runner")


def program() -> str:
    """The file that this program is."""
    return str(home() / "agent.pyz")


def settle() -> None:
    """Make the folders, for root alone.

    Raises:
        OSError: the disk is full, say.
    """
    home().mkdir(parents=True, exist_ok=True)
    home().chmod(0o700)
    (home() / "work").mkdir(exist_ok=True)
    reserve().write_bytes(bytes(_RESERVE_BYTES))


def reserve() -> Path:
    """The file that goes first when the disk is full."""
    return home() / "reserve"


def read(name: str) -> Any:
    """What a file of JSON in the agent's folder says; None if it is not there.

    Raises:
        OSError, ValueError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads((home() / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def write(name: str, value: Any) -> None:
    """Replace such a file, at once or not at all; only its owner may read it.

    Raises:
        OSError: the disk is full, and there is no reserve left.
    """
    data = json.dumps(value).encode()
    try:
        _replace(home() / name, data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not reserve().exists():
            raise
        reserve().unlink()
        _replace(home() / name, data)


def _replace(path: Path, data: bytes) -> None:
    # Two writers must not share it.
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def say(text: str) -> None:
    """Tell what happens, where somebody may look for it later."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return  # the disk is full, or nobody reads any more: what is told counts for less
