"""The processes of a running stack that may be killed alone: functions and jobs (Linux)."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_WORKER = "_worker.py"
# As the emulator names the folder of a function that it has unpacked: by its name, which is ours.
_FUNCTION = re.compile(r"-([A-Za-z]+)Function-")


@dataclass(frozen=True)
class Process:
    """A process, its command line, and where it works."""

    pid: int
    command: str
    place: str

    def kill(self) -> bool:
        """SIGKILL; whether it was still there."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def waits_for_input(self) -> bool:
        """Whether it waits at a pipe; a process that has ended does not."""
        try:
            # proc(5): "the kernel function where the process is sleeping"; "0" while it is not.
            return "pipe" in Path(f"/proc/{self.pid}/wchan").read_text()
        except OSError:
            return False


def workers(aws: Path) -> list[Process]:
    """The processes of all functions; `aws` is the emulator's scratch directory."""
    return [
        one for one in _processes() if str(aws) in one.command and one.command.endswith(_WORKER)
    ]


def function_of(worker: Process) -> str:
    """Which service a worker is, as the template calls its function."""
    found = _FUNCTION.search(worker.command)
    return "unknown" if found is None else found[1].lower()


def jobs(batch: Path) -> list[Process]:
    """The processes of running jobs, without the tethers that hold them."""
    scratch = str(batch / "jobs")
    return [
        one
        for one in _processes()
        if one.place.startswith(scratch) and "tether.py" not in one.command
    ]


def _processes() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is not ours to look at
            command = (folder / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
            place = (folder / "cwd").readlink()
            yield Process(int(folder.name), command.decode(errors="replace"), str(place))
