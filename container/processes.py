"""Starting programs and waiting for them, also where SIGTERM comes meanwhile. Linux only.

SIGTERM (a stop, a timeout, a lost spot machine) is only noted when it comes. What happens then
depends on who is running: a program that computes is ended, a push that brings results to safety is
left to finish, as long as there is time before SIGKILL: 30 s (AWS Batch user guide, "Job timeouts")
unless the machine's container agent gives more.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from container.kernel import adopt_orphans
from container.leftovers import descendants, signal_all

# Between SIGTERM and SIGKILL for a stage; the rest of the time is for pushing what is finished.
GRACE_SECONDS = 10.0
STOP_SECONDS = 30.0
# Of that, what the runner itself needs to end with a code that tells the cause.
_LAST_SECONDS = 2.0
_POLL_SECONDS = 0.2
_KILLED = 128 + signal.SIGKILL


class Interrupted(Exception):
    """SIGTERM has come, and what was being done has been ended."""


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (128 + n after signal n), and its output if asked for.

    `late` says that it was ended, or not started, since its time was over; `cut` that it had
    written more than what the output holds.
    """

    code: int
    output: bytes = b""
    late: bool = False
    cut: bool = False


class Children:
    """The programs that this process starts. Its methods may be called from several threads.

    `stop_seconds` is the time that there is between SIGTERM and SIGKILL.
    """

    def __init__(
        self, grace_seconds: float = GRACE_SECONDS, stop_seconds: float = STOP_SECONDS
    ) -> None:
        self._interrupted_at: float | None = None
        self._grace = min(grace_seconds, stop_seconds / 2)
        self._stop_seconds = max(0.0, stop_seconds - _LAST_SECONDS)

    @property
    def interrupted(self) -> bool:
        """Whether SIGTERM has come."""
        return self._interrupted_at is not None

    @property
    def interrupted_at(self) -> float | None:
        """When it came, a `time.monotonic()`; None if it has not."""
        return self._interrupted_at

    def listen(self) -> None:
        """Note SIGTERM from now on, and become the parent of processes that lose theirs."""
        signal.signal(signal.SIGTERM, self._note)
        adopt_orphans()

    def _note(self, _signal: int, _frame: object) -> None:
        if self._interrupted_at is None:
            self._interrupted_at = time.monotonic()

    def run(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        finish: bool = False,
        read: bool = False,
        descriptors: Sequence[int] = (),
        until: float = math.inf,
        most: float = math.inf,
    ) -> Ended:
        """Run a program to its end; its output goes to the log, or is returned with `read`.

        With `finish` the program outlives SIGTERM, but not the time that is left then. It inherits
        no descriptor but those named. At the time `until`, a `time.monotonic()`, it is killed with
        all that it has started, and so it is soon after it has written more than `most` bytes.

        Raises:
            Interrupted: SIGTERM came before or meanwhile and not `finish`, or that time is over.
        """
        self._stop_here(finish=finish)
        if time.monotonic() >= until:
            return Ended(_KILLED, late=True)
        # Into a file: whoever inherits a pipe could hold us long after the program's end.
        with tempfile.TemporaryFile() as output:
            child = subprocess.Popen(  # noqa: S603 - starts git and DVC with lists, no shell
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output if read else None,
                pass_fds=descriptors,
                # A signal sent to our whole group must not end a push that is in flight.
                start_new_session=finish,
            )
            late = self._wait(child, output, until, most, finish=finish)
            self._stop_here(finish=finish)
            code = child.returncode if child.returncode >= 0 else 128 - child.returncode
            cut = _size(output) > most
            output.seek(0)
            return Ended(code, output.read(-1 if most == math.inf else int(most)), late, cut)

    def _wait(
        self,
        child: subprocess.Popen[bytes],
        output: IO[bytes],
        until: float,
        most: float,
        *,
        finish: bool,
    ) -> bool:
        """Wait for its end, or bring it about; whether its time was over."""
        kill_at: float | None = None
        late = False
        while True:
            try:
                child.wait(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if self.interrupted and not finish:
                    kill_at = kill_at or self._ask_to_end(child.pid)
                stopped = self._too_late() or (kill_at and time.monotonic() >= kill_at)
                late = late or time.monotonic() >= until
                if stopped or late or _size(output) > most:
                    signal_all([child.pid, *descendants(child.pid)], signal.SIGKILL)
        return late

    def pause(self, seconds: float, *, finish: bool = False) -> None:
        """Wait, but not through a SIGTERM."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._stop_here(finish=finish)
            time.sleep(min(left, _POLL_SECONDS))

    def _stop_here(self, *, finish: bool) -> None:
        if (self.interrupted and not finish) or self._too_late():
            raise Interrupted

    def _too_late(self) -> bool:
        since = self._interrupted_at
        return since is not None and time.monotonic() >= since + self._stop_seconds

    def _ask_to_end(self, child: int) -> float:
        """Pass SIGTERM on; when patience ends. DVC's stages have shells between, hence all."""
        signal_all([child, *descendants(child)], signal.SIGTERM)
        return time.monotonic() + self._grace


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
