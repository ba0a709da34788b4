"""The job's log: what a person reads in CloudWatch, with the programs' own output in between.

Each line of ours begins with `[cloud-run] `. Those about progress have one form, which CloudWatch
Logs Insights reads with

    parse @message "[cloud-run] *: * seconds=*" as step, outcome, seconds
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from container.descriptors import fill_standard
from container.flow import Flow
from container.log_copy import LogCopy
from container.masking import Masks

PREFIX = "[cloud-run] "


@dataclass
class Step:
    """What happens between a heading's two lines."""

    failed: bool = False
    """Set it where a step goes wrong without an exception."""


@dataclass
class _Log:
    """Where the log goes. Before anybody says so: to standard output, as it is."""

    masks: Masks = field(default_factory=Masks)
    flow: Flow | None = None


_log = _Log()


def ready() -> None:
    """Let the log show any name, whatever the image's locale can encode."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """One line of ours, or a block. Flushed, since programs started later write to the same log."""
    lines = [f"{PREFIX}{line}".rstrip() for line in text.strip("\n").split("\n")]
    if _log.flow is not None and _log.flow.open:
        _log.flow.say(lines)
    else:
        print(_log.masks.hide("\n".join(lines)), flush=True)


@contextmanager
def step(heading: str) -> Iterator[Step]:
    """Frame what happens inside with two lines; the second tells how it ended and how long it took.

    [cloud-run] clone team/parts: started
    [cloud-run] clone team/parts: done seconds=1.2
    """
    heading = " ".join(heading.split())
    say(f"{heading}: started")
    started = time.monotonic()
    progress = Step()
    try:
        yield progress
    except BaseException:
        progress.failed = True
        raise
    finally:
        outcome = "failed" if progress.failed else "done"
        say(f"{heading}: {outcome} seconds={time.monotonic() - started:.1f}")


@contextmanager
def flowing(
    masks: Masks, copy: Path | None = None, hear: Callable[[str], None] = lambda _line: None
) -> Iterator[None]:
    """Let all output, ours and that of the programs we start, through the masks to the log.

    It goes to standard output and into the file `copy`, which holds up to 64 MiB and can be read at
    any time. Each line that programs write is told to `hear` as it is shown, in any thread, one at
    a time. The masks hold for `say` and for an exception that ends the program, afterwards too.
    """
    fill_standard()
    kept = None
    trouble = ""
    if copy is not None:
        try:
            kept = LogCopy(copy)
        except OSError as error:
            trouble = f"the log is not kept in a file: {error.strerror}"
    _log.masks = masks
    _log.flow = Flow(masks, kept, hear)
    _log.flow.start()
    hook, sys.excepthook = sys.excepthook, _tell
    try:
        if trouble:
            say(trouble)
        yield
        sys.excepthook = hook  # after an exception it stays: Python shows that when we have left
    finally:
        _log.flow.end()


def tail(count: int) -> list[str]:
    """The last lines of programs, not ours, as they were shown; 400 at most."""
    return [] if _log.flow is None else _log.flow.tail(count)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    text = "".join(traceback.format_exception(kind, error, trace))
    with suppress(OSError):  # nobody reads it any more
        print(_log.masks.hide(text), end="", file=sys.stderr, flush=True)
