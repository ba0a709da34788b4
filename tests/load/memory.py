"""Resident memory of each part of the stack, read from /proc every few seconds (Linux).

A part is what the stack's program is made of: its first process, the stand-in, the Batch endpoint,
the fronts of CloudFormation and EC2, the emulator, the functions' processes that the emulator
starts, and what is left: tethers and jobs.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_EVERY_SECONDS = 2.0
_MIB = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
# How each part's command line tells it; the first that fits. A tether's tells its program as well.
TETHERS = "tethers and jobs"
FUNCTIONS = "functions"
_MARKS = (
    ("tether.py", TETHERS),
    ("ministack-lambda-", FUNCTIONS),
    ("-m ministack", "emulator"),
    ("-m local.batch", "Batch endpoint"),
    ("-m local.bitbucket", "Bitbucket stand-in"),
    ("-m local.gateway", "gateway"),
    ("-m local.cloudformation", "CloudFormation front"),
    ("-m local.machines", "machines"),
    ("-m cli local up", "local up"),
)
PARTS = tuple(dict.fromkeys(part for _, part in _MARKS))


@dataclass(frozen=True)
class Sample:
    """MiB and number of processes of each part at a moment (`time.monotonic`)."""

    at: float
    mib: Mapping[str, float]
    processes: Mapping[str, int]


@dataclass
class Memory:
    """The samples of a watched stack, oldest first."""

    samples: list[Sample] = field(default_factory=list)

    def peaks(self) -> dict[str, float]:
        """The most that each part had, in MiB."""
        found = {part: [s.mib[part] for s in self.samples] for part in PARTS}
        return {part: round(max(values, default=0.0), 1) for part, values in found.items()}

    def most_processes(self, part: str) -> int:
        """The most processes that a part had."""
        return max((sample.processes[part] for sample in self.samples), default=0)

    def between(self, start: float, end: float) -> list[Sample]:
        """The samples of a time."""
        return [sample for sample in self.samples if start <= sample.at <= end]


@contextmanager
def watched(pid: int) -> Iterator[Memory]:
    """Sample the process `pid` and all that it started, as long as the block lasts."""
    memory, over = Memory(), threading.Event()

    def watch() -> None:
        while True:
            memory.samples.append(_sample(pid))
            if over.wait(_EVERY_SECONDS):
                return

    thread = threading.Thread(target=watch, name="memory", daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        over.set()
        thread.join()


def _sample(pid: int) -> Sample:
    mib, processes = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0)
    commands: dict[int, str] = {}
    for one, parent in _family(pid):
        try:
            command = commands[one] = (
                Path(f"/proc/{one}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            )
            resident = int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except (OSError, UnicodeDecodeError, IndexError):  # it has ended, or is a job's own
            continue
        part = next((part for mark, part in _MARKS if mark in command), TETHERS)
        if part != TETHERS and command == commands.get(parent):
            continue  # it was just forked, to become a program: its memory is its parent's
        mib[part] += resident * _PAGE / _MIB
        processes[part] += 1
    return Sample(time.monotonic(), mib, processes)


def _family(pid: int) -> list[tuple[int, int]]:
    """A process and all that it and its children started, each with its parent; parents first."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # it has ended
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [(pid, 0)]
    for one, _ in found:
        found += ((child, one) for child in children.get(one, ()))
    return found
