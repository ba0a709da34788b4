"""Waiting for what another process does, and for its end."""

import time
from collections.abc import Callable
from pathlib import Path

# Of a machine that others keep busy: what happens at all has happened by then.
_SECONDS = 120


def wait_until(happened: Callable[[], object], otherwise: str) -> None:
    """Return as soon as it has happened."""
    deadline = time.monotonic() + _SECONDS
    while not happened():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def wait_for(path: Path) -> str:
    """What a file says, as soon as it says something."""
    wait_until(lambda: path.exists() and path.read_text(), f"{path.name} did not appear")
    return path.read_text()


def gone(pid: int) -> bool:
    """Whether a process has ended, be it that nobody has heard of its end yet (Linux)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
