"""What dies, and how it comes back. Whatever dies does so by SIGKILL, without a word before it.

The emulator itself lives on: it keeps queues and tables in memory, so its death would lose what
AWS does not lose. (It can save its state at an orderly end, which is no crash.)
"""

import fcntl
import random
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from local.layout import StackError
from local.parts import Part, start_again
from tests.chaos.processes import Process, function_of, jobs, workers

# How long one waits for a function that is at work, and for a job that runs.
_LOOK_SECONDS = 1.0
_JOB_SECONDS = 5.0
_PAUSE_SECONDS = 0.05
# A worker is killed at the latest so long after it was seen at work.
_LATEST_SECONDS = 0.1
# One death in so many takes all workers of a function along, or keeps a part away for long.
_WORSE = 4
# Whoever calls a part that is away may for a moment have its very port as their own, and it does
# not start then; nor does it always within a minute on a machine that has much else to do.
_STARTS = 5
# Seconds: time enough for a message to come back and to fail again.
_LONG_SECONDS = (8, 25)


class Fault(Protocol):
    """A kind of fault; between two of them `mean_pause` records change, on average."""

    name: str
    mean_pause: int

    def strike(self, chance: random.Random, calm: threading.Event) -> str | None:
        """Do it once, and make it good if that is for us to do; what was hit, None for nothing."""


class FunctionDies:
    """Worker processes of the emulator's functions die; the emulator starts others.

    Those that are still starting are left alone: the emulator would end all others with them.
    """

    name = "function"
    mean_pause = 5

    def __init__(self, aws: Path) -> None:
        self._aws = aws
        self._started: set[Process] = set()

    def strike(self, chance: random.Random, calm: threading.Event) -> str | None:
        """Kill a worker that is at work if there is one, and one time in four all of its kind."""
        started, busy = self._look()
        deadline = time.monotonic() + _LOOK_SECONDS
        while not busy and time.monotonic() < deadline and not calm.wait(_PAUSE_SECONDS):
            started, busy = self._look()
        candidates = busy or started
        if not candidates:
            return None
        function = chance.choice(sorted({function_of(one) for one in candidates}))
        hit = chance.choice([one for one in candidates if function_of(one) == function])
        everyone = chance.randrange(_WORSE) == 0
        calm.wait(chance.uniform(0, _LATEST_SECONDS))
        hit.kill()
        for other in started if everyone else ():
            if function_of(other) == function:
                other.kill()
        return f"{'all of ' if everyone else ''}{function}"

    def _look(self) -> tuple[list[Process], list[Process]]:
        """The workers that have started, and those of them that are at work."""
        there = workers(self._aws)
        resting = {one for one in there if one.waits_for_input()}
        # Who has once waited for a call has started; who does not wait now is at one.
        self._started = (self._started & set(there)) | resting
        started = [one for one in there if one in self._started]
        return started, [one for one in started if one not in resting]


class JobDies:
    """The process of a running job dies, as one does that is out of memory.

    The file `first` is locked until one did: a job that waits for that is there to be killed.
    """

    name = "job"

    def __init__(self, batch: Path, first: Path, mean_pause: int) -> None:
        self.mean_pause = mean_pause
        self._batch = batch
        self._held = first.open("w")
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def strike(self, chance: random.Random, calm: threading.Event) -> str | None:
        """Kill a running job."""
        deadline = time.monotonic() + _JOB_SECONDS
        while not (running := jobs(self._batch)):
            if time.monotonic() > deadline or calm.wait(_PAUSE_SECONDS):
                return None
        hit = chance.choice(running)
        if not hit.kill():
            return None
        self._held.close()
        return hit.command


class PartDies:
    """A part of the stack dies, and is started again with the state that it left."""

    def __init__(self, name: str, part: Part, port: int, mean_pause: int) -> None:
        self.name = name
        self.mean_pause = mean_pause
        self.away_seconds = 0.0
        self._part = part
        self._port = port

    def strike(self, chance: random.Random, calm: threading.Event) -> str | None:
        """Kill it, and start it again at once, or one time in four only after a while."""
        away = chance.uniform(0, 2)
        if chance.randrange(_WORSE) == 0:
            away = chance.uniform(*_LONG_SECONDS)
        since = time.monotonic()
        self._part.crash()
        calm.wait(away)
        self._part = _started(self._part, self._port)
        gone = time.monotonic() - since
        self.away_seconds += gone
        return f"away for {gone:.1f} s"

    def end(self) -> None:
        """End what was started last."""
        self._part.end()


def _started(part: Part, port: int) -> Part:
    for _ in range(_STARTS - 1):
        with suppress(StackError):
            return start_again(part, port)
    return start_again(part, port)
