"""What the agent is told and what it notes: each is a file, and a frozen value here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from container.agent import clock, place
from container.agent.place import say

_T = TypeVar("_T")
# Seconds; `times` of the terms may say otherwise.
_TIMES = {
    # How often the watchdog looks.
    "tick": 1,
    # How long a supervisor may take to start.
    "begin": 30,
    # What a machine that is booted after its end still has, for somebody to arm it anew.
    "boot": 900,
    # How often the supervisor looks whether log and watchdog are still there.
    "look": 5,
    # How often it asks for an interruption.
    "spot": 5,
    # From SIGTERM to SIGKILL for the experiment.
    "stop": 60,
    # What a supervisor may take beside what it does.
    "slack": 15,
    # How long a shutdown may take.
    "shutdown": 120,
    # How long a notification may be tried.
    "notify": 120,
}


class NotGiven(ValueError):
    """What the agent was told lacks something."""


@dataclass(frozen=True)
class Terms:
    """How long the machine may live, as `arm` was told; seconds.

    `name` is the machine's, `instance` its id if whoever tells the terms knows it, `idle_seconds`
    how long it may be without an experiment, and `finish_seconds` how long storing and telling may
    take after one. `ends_tick` is the end by `clock.tick` of the boot `boot`, `ends_at` the same by
    the wall clock, for later boots.
    """

    name: str | None
    instance: str | None
    region: str
    max_seconds: float
    idle_seconds: float | None
    afterwards: str
    notify: str | None
    finish_seconds: float = 900
    times: Mapping[str, float] = field(default_factory=dict)
    boot: str = ""
    ends_tick: float = 0
    ends_at: float = 0

    def seconds(self, name: str) -> float:
        """One of the times above."""
        return self.times.get(name, _TIMES[name])

    @property
    def hours(self) -> str:
        """How long the machine may live, in words."""
        return f"{round(self.max_seconds / 3600, 1):g} h"

    def armed(self) -> Terms:
        """These terms, counted from now."""
        return self._ending(self.max_seconds)

    def carried_over(self) -> Terms:
        """These terms for the boot that we are in: the wall clock has gone on meanwhile.

        It may be wrong: in no boot there is more time than there was altogether.
        """
        if self.boot == clock.boot():
            return self
        left = min(self.ends_at - time.time(), self.max_seconds)
        return replace(self._ending(max(left, self.seconds("boot"))), ends_at=self.ends_at)

    def _ending(self, left: float) -> Terms:
        now = clock.tick()
        return replace(self, boot=clock.boot(), ends_tick=now + left, ends_at=time.time() + left)


# Of a machine whose terms cannot be read: time enough to arm it anew.
UNKNOWN = Terms(None, None, "", 900, None, "stop", None, finish_seconds=300)


@dataclass(frozen=True)
class Order:
    """An experiment, as `begin` was told.

    `secret` is {"variable", "arn"}, `cwd` clone, project (whose job clones by itself) or work.
    `prepared` is what `setup` must have been told: docker, git, branch, program_uri.
    """

    run_id: str
    attempt: int
    instance: str
    region: str
    name: str | None
    argv: list[str]
    environment: Mapping[str, str]
    log_path: str
    bucket: str
    prefix: str
    afterwards: str
    secret: Mapping[str, str] | None = None
    docker: str | None = None
    cwd: str = "work"
    results_paths: list[str] = field(default_factory=list)
    notify: str | None = None
    log_group: str | None = None
    log_stream: str | None = None
    queue_url: str | None = None
    max_seconds: float | None = None
    prepared: Mapping[str, str | None] | None = None


@dataclass(frozen=True)
class State:
    """How far the machine is with an experiment, since `at`, a tick of the boot `boot`.

    Phases: begun (its supervisor is being started), running, finishing, over; and lost, which is no
    phase of a file but one that cannot be read. `started_at` is by the wall clock.
    """

    run_id: str
    phase: str
    afterwards: str
    started_at: float | None = None
    boot: str = ""
    at: float = 0

    @property
    def is_past(self) -> bool:
        """Whether the machine has nothing more to do with it, and is not about to end after it."""
        return self.phase == "over" and (self.afterwards == "keep" or self.boot != clock.boot())


def parse(kind: type[_T], told: Any) -> _T:
    """A value of one of these classes; what it has no field for is left out.

    Raises:
        NotGiven: something that has no default is missing.
    """
    known = fields(kind)  # type: ignore[arg-type] # one of the dataclasses above
    if not isinstance(told, dict):
        raise NotGiven(f"{kind.__name__.lower()}: a JSON object is wanted")
    optional = {one.name for one in known if (one.default, one.default_factory) != (MISSING,) * 2}
    if missing := {one.name for one in known} - optional - set(told):
        raise NotGiven(f"{kind.__name__.lower()}: {', '.join(sorted(missing))} missing")
    return kind(**{one.name: told[one.name] for one in known if one.name in told})


def terms() -> Terms:
    """The terms that were stored.

    Raises:
        OSError, ValueError: there are none, or none that can be read.
    """
    return parse(Terms, place.read("terms.json"))


def order() -> Order:
    """The latest order.

    Raises:
        OSError, ValueError: as above.
    """
    return parse(Order, place.read("order.json"))


def state() -> State | None:
    """How far the machine is with its latest experiment; None if it never had any."""
    try:
        told = place.read("state.json")
        return None if told is None else parse(State, told)
    except (OSError, ValueError):
        return State("", "lost", "stop")


def keep(value: Terms | Order) -> None:
    """Store the terms or the order.

    Raises:
        OSError: the disk is full, say.
    """
    place.write(f"{type(value).__name__.lower()}.json", asdict(value))


def enter(phase: str, run_id: str, afterwards: str, started_at: float | None = None) -> None:
    """Note a phase that begins now.

    Raises:
        OSError: the disk is full, say.
    """
    now = State(run_id, phase, afterwards, started_at, clock.boot(), clock.tick())
    place.write("state.json", asdict(now))


def try_to_enter(phase: str, of: Order, started_at: float | None = None) -> None:
    """Note a phase if that is possible: what is to be done does not depend on it."""
    try:
        enter(phase, of.run_id, of.afterwards, started_at)
    except OSError as error:
        say(f"noting that the experiment is {phase}: {error}")
