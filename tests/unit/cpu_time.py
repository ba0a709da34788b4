"""How much work something is, whatever else the machine does meanwhile."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes more than so many seconds of CPU time.

    The limits are generous: what grows faster than its input takes minutes, on any machine. Nor is
    it the block's work to look through what other tests have left, or what their threads do.
    """
    gc.disable()
    before = time.thread_time()
    try:
        yield
    finally:
        gc.enable()
    took = time.thread_time() - before
    assert took < seconds, f"{took:.1f} s"
