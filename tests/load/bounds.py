"""How much memory each part may have under load, and why: one table, by which peaks are judged.

What a part keeps for good counts for each run and each message that the load brought, so that the
bounds hold for a small load and for a large one. They leave a third or more over what was seen on
two processors: with 500 runs at once, with 900 in a quarter of an hour, with 10,000 messages.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.load.memory import FUNCTIONS, PARTS, TETHERS, Memory

# A sample is taken every 2 s: fewer than these, and the memory was not watched.
FEWEST_SAMPLES = 10


@dataclass(frozen=True)
class Work:
    """What a load brought: runs that were asked for, and other messages that were read."""

    runs: int
    messages: int = 0


@dataclass(frozen=True)
class Bound:
    """The most MiB of a part: a base, and KiB for each run and for each message."""

    base: float
    why: str
    run: float = 0
    message: float = 0

    def mib(self, work: Work) -> float:
        """What it is after so much work."""
        return self.base + (self.run * work.runs + self.message * work.messages) / 1024


BOUNDS: Mapping[str, Bound] = MappingProxyType(
    {
        TETHERS: Bound(
            300 + 80 * (os.cpu_count() or 1), "as many jobs at a time as there are processors"
        ),
        # Of each process: how many there are is what the emulator starts and ends.
        FUNCTIONS: Bound(80, "each: 60 seen, and AWS ends one that needs more than its 512"),
        "emulator": Bound(160, "it is AWS: keeps records, events and log lines", 64, 8),
        "Batch endpoint": Bound(140, "keeps jobs", run=8),
        "Bitbucket stand-in": Bound(100, "keeps deliveries, and every write of a status", 16, 8),
        "gateway": Bound(100, "holds who waits for it: five seconds of webhooks"),
        "CloudFormation front": Bound(220, "has nothing to do once the stack stands"),
        "machines": Bound(290, "has nothing to do: no run asks for a machine"),
        "local up": Bound(130, "only waits"),
    }
)


def peak(memory: Memory, part: str) -> float:
    """The most MiB that is held against a part's bound; of functions, the mean of a process."""
    each = part == FUNCTIONS
    found = (s.mib[part] / (max(1, s.processes[part]) if each else 1) for s in memory.samples)
    return max(found, default=0.0)


def memory_failures(memory: Memory, work: Work) -> tuple[str, ...]:
    """What must not be of memory: a part beyond its bound, or one that nobody has measured."""
    found = unmeasured(memory)
    for part in PARTS:
        most, bound = peak(memory, part), BOUNDS[part].mib(work)
        if most > bound:
            found.append(f"{part} had {most:.0f} MiB, more than {bound:.0f}")
    return tuple(found)


def unmeasured(memory: Memory) -> list[str]:
    """What was not measured: too few samples, or a part of which no process was seen.

    A part's command line tells it; one that is called otherwise would have 0 MiB for ever.
    """
    found = []
    if len(memory.samples) < FEWEST_SAMPLES:
        found.append(f"memory was measured {len(memory.samples)} times only")
    # A tether is told by what no other part is: there may be none left over.
    unseen = [part for part in PARTS if part != TETHERS and not memory.most_processes(part)]
    return found + [f"no process of {part} was seen" for part in unseen]
