"""Ctrl-C and SIGTERM in a call that has a machine to look after.

The first interrupts the action that is under way. What comes after it, while the machine is being
ended, waits until that has been asked of EC2: nobody's impatience leaves a machine behind.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from cli.endings import TERMINATED

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruptions:
    """The handler of both signals, as long as a call lasts."""

    def __init__(self) -> None:
        self._heard = False
        self._waiting: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Raise what the signal means, if somebody listens; once, until somebody does again."""
        if not self._heard:
            self._waiting = number
            return
        self._heard = False
        raise _meaning(number)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Within it the first signal interrupts, also one that came before; after it none does."""
        before, self._heard = self._heard, True
        try:
            number, self._waiting = self._waiting, None
            if number is not None:
                self._heard = False
                raise _meaning(number)
            yield
        finally:
            # Whoever was interrupted is busy with what that leads to.
            self._heard = self._heard and before


@contextmanager
def interruptions() -> Iterator[Interruptions]:
    """Let both signals wait, but where the block listens to them."""
    handler = Interruptions()
    before: dict[int, Any] = {number: signal.signal(number, handler) for number in _NUMBERS}
    try:
        yield handler
    finally:
        for number, former in before.items():
            signal.signal(number, former or signal.SIG_DFL)


@contextmanager
def heard() -> Iterator[None]:
    """Listen again to signals that were made to wait, if they were."""
    handler = signal.getsignal(signal.SIGINT)
    if not isinstance(handler, Interruptions):
        yield
        return
    with handler.heard():
        yield


def _meaning(number: int) -> BaseException:
    """What it raises without us (cli.main)."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(TERMINATED)
