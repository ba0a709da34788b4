"""The processes below one process: which there are, how those left behind are ended (Linux)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_LEFTOVER_SECONDS = 5.0


class StillRunning(Exception):
    """Processes that may read credentials cannot be ended."""


def end_leftovers() -> int:
    """End every process that our programs have left behind; how many there were.

    Nobody but us may run once credentials are handed to git, and a forgotten process would keep the
    container alive. They are stopped first, all of them, so that none escapes by starting others.

    Raises:
        StillRunning: some cannot be ended.
    """
    stopped: set[int] = set()
    until = time.monotonic() + _LEFTOVER_SECONDS
    while left := descendants(os.getpid()):
        if time.monotonic() > until:
            raise StillRunning(f"{len(left)} processes cannot be ended")
        news = set(left) - stopped
        signal_all(left, signal.SIGSTOP if news else signal.SIGKILL)
        stopped |= news
        if not news:
            time.sleep(0.01)
        _reap()
    return len(stopped)


def descendants(ancestor: int) -> list[int]:
    """The ids of the processes that live below one process, its own id not among them."""
    children: dict[int, list[int]] = {}
    over: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            state, parent = _state(entry / "stat")
            children.setdefault(parent, []).append(int(entry.name))
            if state in "ZX":
                over.add(int(entry.name))
    found: list[int] = []
    todo = [ancestor]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return [process for process in found if process not in over]


def signal_all(processes: Sequence[int], number: signal.Signals) -> None:
    """Send a signal to processes of ours, of which some may be gone."""
    for process in processes:
        # It may have ended by itself, or be another user's by now.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _state(stat: Path) -> tuple[str, int]:
    """A process's state and its parent."""
    try:
        text = stat.read_text(encoding="ascii", errors="replace")
    except OSError:
        return "X", 0  # it has ended meanwhile
    # proc(5): pid (name) state ppid …; the name may hold spaces and parentheses.
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return  # none is left
