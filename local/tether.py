"""Ties a program to the process that started it, so that nothing is ever left behind.

    python -m local.tether [--grace SECONDS] -- PROGRAM ARGS...

PROGRAM runs in a process group of its own, with /dev/null as its standard input. The whole group
is ended (SIGTERM, a grace, SIGKILL) when PROGRAM ends, when the tether gets SIGTERM or SIGINT, and
when the tether's own standard input reaches its end: its other end is a pipe that the parent holds,
so even a parent that is killed takes the group with it. SIGQUIT ends the group at once.

On Linux the tether also adopts and ends processes that left the group (daemons), and PROGRAM dies
with a tether that is killed; the rest of its group is then ended by a guard, a second process.

The exit code is PROGRAM's: 128 + n after signal n, 127 if there is no such program, 126 if it
cannot be run. Standard library only, since the tether starts where nothing else is installed.
"""

import argparse
import contextlib
import ctypes
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Final, NoReturn

DEFAULT_GRACE_SECONDS: Final = 5.0
# How often a group that is being ended is looked at; the deaths of our own children wake us anyway.
_POLL_SECONDS: Final = 0.05
_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
# linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdout: int | IO[bytes] | None,
    stderr: int | IO[bytes] | None,
    grace: float = DEFAULT_GRACE_SECONDS,
) -> "subprocess.Popen[bytes]":
    """Start `argv` through a tether that lives as long as this process, or as the answer's `stdin`.

    `terminate()` ends the group with `grace` seconds between SIGTERM and SIGKILL,
    `send_signal(SIGQUIT)` at once. The return code is the program's, as a shell would give it.
    """
    tether = [sys.executable, "-I", "-S", __file__, f"--grace={grace}", "--", *argv]
    return subprocess.Popen(
        tether,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        # A Ctrl-C in the terminal is for the parent, which then ends its parts in its own order.
        process_group=0,
    )


@dataclass
class _Group:
    """The program's process group and, on Linux, whatever left it."""

    leader: int
    guard: int
    status: int | None = field(default=None)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.leader, number)
        for pid in self._adopted():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def reap(self) -> None:
        """Collect every child that has ended, and the program's status among them."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.leader:
                    self.status = status

    def gone(self) -> bool:
        try:
            os.killpg(self.leader, 0)
        except ProcessLookupError:
            return not any(self._adopted())
        except PermissionError:  # macOS says so of a group that holds only zombies
            return True
        return False

    def _adopted(self) -> Iterator[int]:
        """Our children that are neither the program nor the guard: orphans of the group."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                # "pid (command) state parent ...": the command may hold anything, ")" included.
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            pid = int(stat.parent.name)
            if int(parent) == os.getpid() and state != "Z" and pid not in (self.leader, self.guard):
                yield pid


def main(argv: Sequence[str]) -> int:
    """Run a program to its end, or to ours, and answer with its exit code."""
    parser = argparse.ArgumentParser(prog="tether", description="run a program tied to its parent")
    parser.add_argument("--grace", type=float, default=DEFAULT_GRACE_SECONDS, metavar="SECONDS")
    parser.add_argument("program", nargs="+", metavar="PROGRAM [ARG]")
    options = parser.parse_args(argv)

    wake = _signals_as_bytes()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guard, tell_guard = _start_guard()
    leader = _start_program(options.program)
    os.write(tell_guard, b"%d\n" % leader)
    group = _Group(leader, guard)
    _watch(group, wake, options.grace)
    os.write(tell_guard, b"done\n")
    code = os.waitstatus_to_exitcode(group.status) if group.status is not None else -signal.SIGKILL
    return code if code >= 0 else 128 - code


def _watch(group: _Group, wake: int, grace: float) -> None:
    """Answer when the program and all that it started are gone."""
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    poll.register(0, select.POLLIN)
    deadline = math.inf
    told_leftovers = False
    while True:
        ready = {fd for fd, _ in poll.poll(None if deadline == math.inf else _POLL_SECONDS * 1000)}
        arrived = set(os.read(wake, 512)) if wake in ready else set()
        abandoned = 0 in ready and not _still_held()
        if abandoned:
            poll.unregister(0)
        group.reap()
        if group.status is not None and group.gone():
            return

        now = time.monotonic()
        if asked := arrived & {signal.SIGTERM, signal.SIGINT}:
            group.signal(asked.pop())
            deadline = min(deadline, now + grace)
        # Nobody waits for an orphan or for what a program left behind: the default is enough.
        leftovers = group.status is not None and not told_leftovers
        if abandoned or leftovers:
            told_leftovers = told_leftovers or leftovers
            group.signal(signal.SIGTERM)
            deadline = min(deadline, now + min(grace, DEFAULT_GRACE_SECONDS))
        if signal.SIGQUIT in arrived:
            deadline = now
        if now >= deadline:
            group.signal(signal.SIGKILL)


def _still_held() -> bool:
    """Whether the parent still holds the other end of our standard input."""
    try:
        return os.read(0, 4096) != b""
    except OSError:  # closed before we started: there never was a parent at the other end
        return False


def _signals_as_bytes() -> int:
    """Turn the signals that we act on into bytes on a pipe; answer its reading end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*_ENDING, signal.SIGCHLD):
        signal.signal(number, _only_wake)
    return reading


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """The byte on the wake-up pipe says it all."""


def _start_program(argv: Sequence[str]) -> int:
    """Start the program as the leader of a new process group; answer its id."""
    tether = os.getpid()
    pid = os.fork()
    if pid:
        with contextlib.suppress(PermissionError):  # the child has done it, and runs already
            os.setpgid(pid, pid)
        return pid
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != tether:  # it was killed before we asked to die with it
        os._exit(128 + signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    # The last two are ignored by Python, and an ignored signal stays ignored in the program.
    for number in (*_ENDING, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return _become(argv)


def _become(argv: Sequence[str]) -> NoReturn:
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 - no shell, on purpose
    except OSError as error:
        os.write(2, f"tether: starting {argv[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _start_guard() -> tuple[int, int]:
    """Start the process that ends the group should we be killed; answer its id and its pipe.

    It is told the group's id, then `done`. An end of the pipe without `done` means we were killed.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        return pid, writing
    os.close(writing)
    os.setsid()  # whoever kills our process group leaves it alone
    signal.set_wakeup_fd(-1)
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for inherited in (0, 1, 2):  # whoever reads our output must see its end when we end
        os.dup2(nowhere, inherited)
    with open(reading, encoding="ascii") as pipe:  # noqa: PTH123 - a descriptor, not a path
        told = pipe.read().split()
    if told and told[-1] != "done":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(told[0]), signal.SIGKILL)
    os._exit(0)


def _prctl(option: int, value: int) -> None:
    """Set a Linux process attribute; elsewhere there is none to set."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
