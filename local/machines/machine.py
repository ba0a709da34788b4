"""The life of one machine: an instance of moto's, and the sandbox that is its inside.

What the sandbox does is seen outside (its shutdown ends the instance), and what EC2 is asked for
reaches the sandbox: first as SIGTERM to all its processes, as a system that shuts down sends it,
then as the power that goes off.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from local.machines import states
from local.machines.states import Ending
from local.machines.troubles import Subject, Troubles

log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.1
_LEAVE_SECONDS: Final = 2.0
# Another one after each start: proc_sys_kernel(5).
_BOOT_ID: Final = "proc/sys/kernel/random/boot_id"


class Done(Protocol):
    """How a script ended on a machine."""

    @property
    def code(self) -> int: ...  # noqa: D102 - its exit code
    @property
    def stdout(self) -> bytes: ...  # noqa: D102 - what it said
    @property
    def stderr(self) -> bytes: ...  # noqa: D102 - and complained of


class Inside(Protocol):
    """What is inside of an instance: local.machines.sandbox has it in a directory."""

    @property
    def root(self) -> Path:
        """Its disk."""

    @property
    def asked_to_end(self) -> bool:
        """Whether it has called `shutdown` since it was started."""

    def boot(self, user_data: bytes) -> None:
        """Start it for the first time."""

    def start(self) -> None:
        """Start it again."""

    def run(self, script: str, seconds: float) -> Done:
        """Run a script as root."""

    def processes(self) -> Sequence[int]:
        """The ids of its processes."""

    def power_off(self, grace_seconds: float = 0) -> None:
        """End all of them: SIGTERM, and after the grace SIGKILL."""


@dataclass(frozen=True)
class Notice:
    """What the metadata service says of an interruption that is to come."""

    action: str
    time: datetime


class Machine:
    """An instance and its inside. `lock` guards what moto knows; `grace` is for ending orderly."""

    def __init__(
        self,
        instance: Any,
        inside: Inside,
        troubles: Troubles,
        lock: "threading.RLock",
        grace: float,
    ) -> None:
        self.instance = instance
        self.inside = inside
        self.notice: Notice | None = None
        self._troubles = troubles
        self._lock = lock
        self._grace = grace
        self._ending: Ending | None = None
        self._life: threading.Thread | None = None
        self._boot: threading.Thread | None = None
        self._boot_before = ""

    @property
    def subject(self) -> Subject:
        """Whom a trouble would have to name."""
        with self._lock:  # somebody may be tagging
            tags = {tag["key"]: tag["value"] for tag in self.instance.get_tags()}
        return Subject(
            instance_type=self.instance.instance_type,
            subnet_id=self.instance.subnet_id,
            name=tags.get("Name"),
            instance_id=self.instance.id,
        )

    @property
    def state(self) -> str:
        """The instance's."""
        name: str = self.instance.state
        return name

    @property
    def reachable(self) -> bool:
        """Whether Systems Manager has its agent; without a role it is refused there."""
        has_role = self.instance.iam_instance_profile is not None
        return self.state == "running" and self._up and has_role and not self._has("unreachable")

    def launch(self, user_data: bytes) -> None:
        """Let it come to life for the first time."""
        states.enter(self.instance, "pending")
        self._begin(lambda: self.inside.boot(user_data))

    def start(self) -> None:
        """Let a stopped one come to life again."""
        self._ending = self.notice = None
        states.start_again(self.instance)
        self._begin(self.inside.start)

    def end(self, ending: Ending) -> None:
        """Let it end; what was asked for last holds."""
        with self._lock:
            if self.state in ("terminated", ending.last):
                return
            alive = self.state != "stopped"
            self._ending = ending
            states.begin_to_end(self.instance, ending)
        if not alive:
            states.end(self.instance, ending)

    def reclaim(self, seconds: float) -> None:
        """Take a spot machine away after some seconds, and tell it now."""
        self.notice = Notice("terminate", datetime.now(UTC) + timedelta(seconds=seconds))

    def leave(self) -> None:
        """End it at once, with all its processes: nobody will ask for it again."""
        self._ending, self._grace = states.by_user("terminated"), 0
        self.inside.power_off()
        if self._life is not None:
            self._life.join(timeout=_LEAVE_SECONDS)

    def _begin(self, boot: Callable[[], None]) -> None:
        self._boot_before = self._boot_id()
        name = f"life of {self.instance.id}"
        self._life = threading.Thread(target=self._live, args=(boot,), name=name, daemon=True)
        self._life.start()

    def _live(self, boot: Callable[[], None]) -> None:
        while self._has("stays_pending") and self._ending is None:
            time.sleep(_LOOK_SECONDS)
        with self._lock:
            if self._ending is None:
                states.enter(self.instance, "running")
                log.info("%s is running, in %s", self.instance.id, self.inside.root)
        if self._ending is None:
            # What it does at first may take its time, and may be to shut down.
            name = f"boot of {self.instance.id}"
            self._boot = threading.Thread(target=boot, name=name, daemon=True)
            self._boot.start()
        while self._ending is None:
            self._look()
            time.sleep(_LOOK_SECONDS)
        self._shut_down()
        while self._has("never_ends"):
            time.sleep(_LOOK_SECONDS)
        with self._lock:
            states.end(self.instance, self._ending)
        log.info("%s is %s: %s", self.instance.id, self.state, self._ending.words)

    def _shut_down(self) -> None:
        """End all that runs inside, also the next script of a boot that is going on."""
        self.inside.power_off(self._grace)
        while self._boot is not None and self._boot.is_alive():
            self.inside.power_off()
            self._boot.join(_LOOK_SECONDS)

    def _look(self) -> None:
        """See whether it has to end by itself."""
        if self._up and self.inside.asked_to_end and not self._has("ignores_shutdown"):
            self.end(states.by_itself(self._last_by_itself))
        elif self.notice is not None and datetime.now(UTC) >= self.notice.time:
            self.end(states.SPOT_INTERRUPTION)

    @property
    def _last_by_itself(self) -> states.Last:
        """What its own shutdown makes of it."""
        behavior: states.Last = (
            "terminated"
            if self.instance.instance_initiated_shutdown_behavior == "terminate"
            else "stopped"
        )
        return behavior

    @property
    def _up(self) -> bool:
        """Whether its system has begun to start; before, its disk tells of the time before."""
        return self._boot_id() not in ("", self._boot_before)

    def _boot_id(self) -> str:
        path = self.inside.root / _BOOT_ID
        return path.read_text() if path.exists() else ""

    def _has(self, trouble: str) -> bool:
        ordered = any(getattr(one, trouble) for one in self._troubles.ordered)
        return ordered and any(getattr(one, trouble) for one in self._troubles.of(self.subject))
