"""The time between two looks, and Ctrl-C in it.

An interrupt never breaks a step in two: it is kept until the next pause, which it ends at once.
Somebody who presses Ctrl-C again before that ends the command there and then, as SIGKILL would;
the trace bears both.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from cli.sweep.engine import Answer

_FIRST_SECONDS = 2.0
_GROWTH = 1.3


@dataclass
class Pauses:
    """Pauses that grow from 2 s to `longest_seconds`; `ask` is asked what an interrupt means."""

    longest_seconds: float
    ask: Callable[[], Answer | None]
    _seconds: float = _FIRST_SECONDS
    _interrupted: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> Answer | None:
        """Wait; what somebody wants who has interrupted, None to go on."""
        self._interrupted.wait(min(self._seconds, self.longest_seconds))
        self._seconds = min(self._seconds * _GROWTH, self.longest_seconds)
        if not self._interrupted.is_set():
            return None
        answer = self.ask()
        self._interrupted.clear()
        return answer

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep interrupts while the block runs."""
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._interrupted.is_set():
            raise KeyboardInterrupt
        self._interrupted.set()
