"""The job's log: what a person reads in CloudWatch, with the programs' own output in between."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper


def ready() -> None:
    """Let the log show any name, whatever the image's locale can encode."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """One line, or a block. Flushed, since programs started later write to the same log."""
    print(text, flush=True)


@contextmanager
def step(heading: str) -> Iterator[None]:
    """Frame what happens inside with a heading and how long it took."""
    say(f"\n=== {heading}")
    started = time.monotonic()
    try:
        yield
    finally:
        say(f"--- {heading}: {time.monotonic() - started:.1f} s")
