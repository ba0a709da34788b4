"""Virtual time and who runs when: a queue of what is due, and processes that can be cut off.

A process is a greenlet. It runs alone until it pauses; each effect on the world is such a pause, so
that others run in between. One that is killed never runs again: whatever effect it still tries,
such as in a `finally`, raises `Killed` once more.
"""

import heapq
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped] # without types

T = TypeVar("T")


class Killed(BaseException):
    """The process was cut off here: nothing in it may catch that."""


class Process:
    """Something that runs, such as one invocation of a function.

    `label` says who it is; `skew` is by how much its clock is ahead, in seconds. `lineage` is how
    often functions were called until this one was, itself among them.
    """

    def __init__(self, label: str, work: greenlet, skew: float) -> None:
        self.label = label
        self.skew = skew
        self.lineage: Mapping[str, int] = {}
        self.killed = False
        self.work = work

    @property
    def alive(self) -> bool:
        """Whether it still runs, or waits to."""
        return not self.killed and not self.work.dead


def _ignore(_anything: Any) -> None:
    """For whoever does not want to know."""


class Scheduler:
    """Does one thing at a time, the one that is due first; of these, the one that came first.

    `now` is the true virtual time, in seconds since 1970. `show` makes the clocks that code under
    test reads (`datetime.now`) tell a time; it is called before anything runs for which they
    differ, with the process's own skew. `on_the_way` counts what is due of what was begun already:
    processes that go on, and what was given to `bring`; all else only waits for its time.
    """

    def __init__(self, now: float, show: Callable[[float], None] = _ignore) -> None:
        self.now = now
        self.steps = 0
        self.on_the_way = 0
        self._due: list[tuple[float, int, Callable[[], None], str, bool]] = []
        self._order = count()
        self._show = show
        self._shown: float | None = None
        self._running: Process | None = None
        self._started: list[Process] = []
        self._hub = getcurrent()

    @property
    def running(self) -> Process | None:
        """The process that runs now; None outside of any."""
        return self._running

    @property
    def next_due(self) -> float | None:
        """When the next thing is due; None: nothing ever will be."""
        return self._due[0][0] if self._due else None

    def later(self, seconds: float, act: Callable[[], None], label: str) -> None:
        """Do something in `seconds`, outside of any process."""
        self._push(seconds, act, label, brought=False)

    def bring(self, seconds: float, act: Callable[[], None], label: str) -> None:
        """The same for something that is on its way, such as a message between two services."""
        self.on_the_way += 1
        self._push(seconds, act, label, brought=True)

    def spawn(
        self,
        label: str,
        work: Callable[[], T],
        *,
        deadline: float | None = None,
        done: Callable[[T | None], None] = _ignore,
        skew: float = 0,
    ) -> Process:
        """Run `work` as a process, from now on; kill it once it is `deadline` seconds old.

        `done` gets what it returns, or None if it was killed, outside of any process. An exception
        of `work` rises from `step`: it is for `work` to say what that means.
        """

        def whole() -> None:
            result: T | None = None
            try:
                if process.killed:  # before it had begun
                    raise Killed  # noqa: TRY301 - as anywhere else in it
                result = work()
            except Killed:
                process.killed = True
            self.bring(0, lambda: done(result), label)

        process = Process(label, greenlet(whole, self._hub), skew)
        self._started = [one for one in self._started if one.alive]
        self._started.append(process)
        self.bring(0, lambda: self._resume(process), label)
        if deadline is not None:
            self.later(deadline, lambda: self.kill(process), f"{label} runs out of time")
        return process

    def pause(self, seconds: float) -> None:
        """Inside a process: let others run, and go on in `seconds`; outside of any, do nothing.

        Raises:
            Killed: it was killed, meanwhile or before.

        """
        process = self._running
        if process is None:
            return
        if process.killed:
            raise Killed
        self.bring(seconds, lambda: self._resume(process), process.label)
        self._hub.switch()

    def die(self) -> None:
        """Inside a process: be killed at this very place.

        Raises:
            Killed: always.

        """
        if self._running is not None:
            self._running.killed = True
        raise Killed

    def kill(self, process: Process) -> None:
        """Cut a process off where it pauses, or before it has begun; from outside of any."""
        if not process.alive:
            return
        process.killed = True
        if process.work:
            self._enter(process, lambda: process.work.throw(Killed))
        else:
            # It has to run in order to end: its work is not called.
            self._enter(process, process.work.switch)

    def step(self) -> str | None:
        """Do what is due next and tell what it was; None: there is nothing."""
        if not self._due:
            return None
        due, _, act, label, brought = heapq.heappop(self._due)
        self.on_the_way -= brought
        self.now = max(self.now, due)
        self.steps += 1
        self._tell(self.now)
        act()
        return label

    def close(self) -> None:
        """Kill every process that is left, so that none outlives the simulation."""
        for process in self._started:
            self.kill(process)
        self._due.clear()

    def _push(self, seconds: float, act: Callable[[], None], label: str, *, brought: bool) -> None:
        due = self.now + seconds if seconds > 0 else self.now
        heapq.heappush(self._due, (due, next(self._order), act, label, brought))

    def _resume(self, process: Process) -> None:
        if process.alive:
            self._enter(process, process.work.switch)

    def _enter(self, process: Process, switch: Callable[[], Any]) -> None:
        self._running = process
        self._tell(self.now + process.skew)
        try:
            switch()
        finally:
            self._running = None

    def _tell(self, time: float) -> None:
        if time != self._shown:
            self._shown = time
            self._show(time)
