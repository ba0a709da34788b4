"""The watchdog: ends the machine when its time is over, when nobody comes, or nobody is left."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from container.agent import clock, ending, metadata, place, processes, records
from container.agent.bounded import bounded
from container.agent.decisions import END, FINISH, TELL, Seen, Step, decide
from container.agent.locks import Lock
from container.agent.notify import notify
from container.agent.place import say
from container.agent.records import Terms

_STEP_SECONDS = 90
# The one before us is ended as soon as we are there.
_HANDOVER_SECONDS = 6
# A watchdog that fails and fails sees nothing: then the machine had better end.
_MAX_FAILURES = 20


class Watchdog:
    """Looks every second, and acts."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._agent = Lock("agent")
        self._setup = Lock("setup")
        self._active_at = clock.tick()
        self._told = False
        self._finisher: subprocess.Popen[bytes] | None = None
        self._sent_at: float | None = None

    def watch(self) -> None:
        """Watch until the machine is to end, and see that it does."""
        failures = 0
        while failures < _MAX_FAILURES:
            try:
                step = decide(self._see())
                if step.kind == END:
                    self.end(step)
                self._act(step)
                failures = 0
            except Exception as error:  # noqa: BLE001 - it must not die of it, see below
                failures += 1
                say(f"watching: {type(error).__name__}: {error}")
            time.sleep(self._terms.seconds("tick"))
        self.end(Step(END, "the watchdog could see nothing"))

    def end(self, step: Step) -> NoReturn:
        """End the machine, and come back never: only to ask again."""
        say(f"ending the machine: {step.reason or 'its experiment is over'}")
        _surely(self._kill)
        if step.reason:
            self._notify(step.status, step.reason)
        _surely(ending.shut_down)
        attempt = 0
        while True:
            time.sleep(self._terms.seconds("shutdown"))
            attempt += 1
            # Told more and more rarely, tried for ever.
            if attempt & (attempt - 1) == 0:
                self._notify("not terminated", f"shutdown does not work (attempt {attempt})")
            _surely(ending.force)

    def _kill(self) -> None:
        """Kill the supervisor, or whoever finishes for it: it may hang."""
        for process in (self._agent.holder(), self._finisher and self._finisher.pid):
            processes.send(signal.SIGKILL, [process] if process else [])

    def _see(self) -> Seen:
        state, held = records.state(), self._agent.holder() is not None
        # A supervisor that has started meanwhile is none that has died.
        while state != (again := records.state()):
            state, held = again, self._agent.holder() is not None
        if self._finisher is not None:
            done = self._finisher.poll() is not None
            held = held or not done
            if done and state and state.phase == "over":
                self._finisher = self._sent_at = None
        now = clock.tick()
        if held or self._setup.holder() is not None:
            self._active_at = now
        return Seen(
            now,
            clock.boot(),
            self._terms,
            state,
            held,
            self._active_at,
            told=self._told,
            sent_at=self._sent_at,
        )

    def _act(self, step: Step) -> None:
        if step.kind == TELL:
            self._told = True
            if holder := self._agent.holder():
                processes.send(signal.SIGTERM, [holder])
        elif step.kind == FINISH:
            say(f"finishing: {step.reason}")
            self._sent_at = clock.tick()
            self._finisher = subprocess.Popen(  # noqa: S603 - this program
                [sys.executable, place.program(), "finish", step.reason],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _notify(self, status: str, reason: str) -> None:
        seconds = self._terms.seconds("notify")
        url = self._terms.notify
        _surely(lambda: notify(url, self._message(status, reason), seconds), seconds * 1.5)

    def _message(self, status: str, reason: str) -> dict[str, Any]:
        terms = self._terms
        lived = terms.max_seconds + clock.tick() - terms.ends_tick
        state = records.state()
        return {
            "name": terms.name,
            "instance": terms.instance or metadata.instance(),
            "status": status,
            "minutes": max(0, math.ceil(lived / 60)),
            "run_id": (state and not state.is_past and state.run_id) or None,
            "exit_code": None,
            "archive": None,
            "reason": reason,
        }


def _surely(work: Callable[[], object], seconds: float = _STEP_SECONDS) -> None:
    try:
        bounded(work, seconds)
    except Exception as error:  # noqa: BLE001 - whatever it is, the machine is to end
        say(f"{type(error).__name__}: {error}")


def watch() -> int:
    """Be the watchdog, if there is none yet; an exit code."""
    if not Lock("watchdog").take(_HANDOVER_SECONDS):
        return 3
    _be_spared()
    try:
        told = records.terms()
        now = told.carried_over()
    except (OSError, ValueError) as error:
        say(f"the machine's terms: {error}")
        now = records.UNKNOWN.armed()
    else:
        if now != told:
            _surely(lambda: records.keep(now))
    Watchdog(now).watch()
    return 0


def _be_spared() -> None:
    """Linux is not to choose us when memory runs out: proc(5), oom_score_adj."""
    with suppress(OSError):  # no Linux, or not as root: then it may
        place.rooted("/proc/self/oom_score_adj").write_text("-1000", encoding="ascii")
