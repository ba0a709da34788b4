"""Work that may hang: a name that does not resolve, a disk that does not answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


class TookTooLong(Exception):
    """It has not ended in time, and goes on in a thread that nobody waits for."""


def bounded(work: Callable[[], _T], seconds: float) -> _T:
    """What the work returns. Where no thread is to be had, it is done all the same, unbounded.

    Raises:
        TookTooLong: or whatever the work raises.
    """
    answers: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()

    def answer() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again below
            answers.put((None, error))

    try:
        threading.Thread(target=answer, daemon=True).start()
    except (RuntimeError, MemoryError):
        return work()
    try:
        result, error = answers.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise TookTooLong(f"no end after {seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return] # it is the work's
