"""The time between two looks, and Ctrl-C in it.

An interrupt never breaks a step in two: it is kept until the next pause, which it ends at once.
Somebody who presses Ctrl-C again before that ends the command there and then, as SIGKILL would;
the trace bears both.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import click

from cli.sweep.engine import Answer

_FIRST_SECONDS = 2.0
_GROWTH = 1.3
# An interrupt is noticed after so long: a sleep goes on behind its handler (PEP 475).
_SHORT_SECONDS = 0.1
_ANSWERS: dict[str, Answer | None] = {"leave": "leave", "stop": "stop", "go on": None}


@dataclass
class Pauses:
    """Pauses that grow from 2 s to `longest_seconds`; `ask` is asked what an interrupt means."""

    longest_seconds: float
    ask: Callable[[], Answer | None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    _seconds: float = _FIRST_SECONDS
    # No Event: its lock is held for a moment in each wait, and the handler would wait for it.
    _interrupted: bool = False

    def __call__(self) -> Answer | None:
        """Wait; what somebody wants who has interrupted, None to go on."""
        until = self.clock() + min(self._seconds, self.longest_seconds)
        while not self._interrupted and (left := until - self.clock()) > 0:
            self.sleep(min(left, _SHORT_SECONDS))
        self._seconds = min(self._seconds * _GROWTH, self.longest_seconds)
        if not self._interrupted:
            return None
        answer = self.ask()
        self._interrupted = False
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
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True


def answered(said: str) -> Answer | None:
    """What somebody means by a word or its first letter; None to go on.

    >>> answered("s"), answered("Leave"), answered("go")
    ('stop', 'leave', None)
    """
    word = said.strip().lower()
    for one, answer in _ANSWERS.items():
        if word and one.startswith(word):
            return answer
    message = "write leave, stop or go on, or l, s or g"
    raise click.BadParameter(message)
