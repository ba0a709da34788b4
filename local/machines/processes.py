"""Which processes belong together: those that carry a variable, and all that came from them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def marked(variable: str, value: str) -> list[int]:
    """The ids of the living processes that have `variable` in their environment, or one above them.

    One above them: a parent, or the leader of the session. Our own is never among them.
    """
    return _of_linux(f"{variable}={value}") if sys.platform == "linux" else _told(variable, value)


def send(number: signal.Signals, processes: Iterable[int]) -> None:
    """Send a signal to processes, some of which may have ended meanwhile."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _of_linux(mark: str) -> list[int]:
    above: dict[int, tuple[int, int]] = {}
    found: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # proc(5): pid (name) state ppid pgrp session …; the name may hold anything.
            words = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if words[0] in "ZX":
                continue
            process = int(folder.name)
            above[process] = int(words[1]), int(words[3])
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.add(process)
        except OSError:  # it has ended meanwhile, or is another user's
            continue
    found -= {os.getpid()}
    while more := {one for one, of in above.items() if found & set(of)} - found - {os.getpid()}:
        found |= more
    return sorted(found)


def _told(variable: str, value: str) -> list[int]:
    # BSD's ps, macOS's too: E shows the environment of one's own processes.
    done = subprocess.run(
        ["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True, check=True
    )
    lines = (line.split(None, 1) for line in done.stdout.splitlines())
    return [int(pid) for pid, told in lines if f"{variable}={value}" in f"{told} ".split(" ")]
