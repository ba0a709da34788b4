"""Saves what stages have made as they end, while the next one runs.

A machine may vanish at any time. DVC writes `dvc.lock` when a stage has ended, so this watches that
file, and waits a moment for stages that end in quick succession.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from container.log import say
from container.processes import Interrupted

_LOOK_SECONDS = 0.5
_QUIET_SECONDS = 1.5
_LONGEST_SECONDS = 10.0
_MOST_SECONDS = 600.0

_Seen = list[tuple[int, int]]


class Saver:
    """Calls `save` in a thread of its own after one of the files has changed.

    `save` says whether all that is finished is safe; if not it is called again after a pause.
    """

    def __init__(self, save: Callable[[], bool], files: Sequence[Path]) -> None:
        self._save = save
        self._files = files
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="saver")

    def __enter__(self) -> Saver:  # noqa: PYI034 - `Self` is Python 3.11's
        """Watch from now on."""
        self._before = self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Watch no more, and wait for the save in flight."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        saved = seen = self._before
        changed = unsaved = time.monotonic()
        pause = _QUIET_SECONDS
        while not self._over.wait(_LOOK_SECONDS):
            now, found = time.monotonic(), self._look()
            if found != seen:
                changed, unsaved = now, unsaved if seen != saved else now
                seen = found
            waited = now - changed >= pause or now - unsaved >= max(_LONGEST_SECONDS, pause)
            if seen == saved or not waited:
                continue
            if self._try():
                saved, pause = seen, _QUIET_SECONDS
            else:
                pause = min(pause * 4, _MOST_SECONDS)
                changed = unsaved = time.monotonic()

    def _try(self) -> bool:
        try:
            done = self._save()
        except (Interrupted, OSError):
            done = False
        if not done:
            say("saving what is finished failed, and will be tried again")
        return done

    def _look(self) -> _Seen:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except OSError:
        return 0, 0  # there is none yet
    return stat.st_mtime_ns, stat.st_size
