"""What a command of `remote` was asked for: its actions in order, and its options, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from shared.events import Afterwards

__all__ = [
    "DEFAULT_LOG_PATH",
    "DEFAULT_PREFIX",
    "PROJECTS_IMAGE",
    "WORK",
    "Action",
    "Afterwards",
    "Market",
    "Wanted",
]

Market = Literal["spot", "on-demand"]

DEFAULT_LOG_PATH: Final = "/var/tmp/experiment.log"  # noqa: S108 - on the machine, read by people
DEFAULT_PREFIX: Final = "remote"
# What `docker` is where no image is named.
PROJECTS_IMAGE: Final = ""


class Action(StrEnum):
    """What can be done to a machine, by the name of its command."""

    CREATE = "create"
    TAG = "tag"
    START = "start"
    SETUP = "setup"
    EXPERIMENT = "experiment"
    STOP = "stop"
    TERMINATE = "terminate"


# What takes a machine over, so that it has to end itself; the others tag it, or end it.
WORK: Final = frozenset({Action.CREATE, Action.START, Action.SETUP, Action.EXPERIMENT})


@dataclass(frozen=True)
class Wanted:
    """One call of `remote`; what is None was not said."""

    actions: tuple[Action, ...]
    # The words behind `--`: the module's, or DVC's.
    arguments: tuple[str, ...] = ()
    # An id such as i-0123456789abcdef0, or what the tag Name says.
    instance: str | None = None
    launchspec: Path | None = None
    market: Market = "spot"
    # Who logs in by SSH; None: Systems Manager is used instead.
    user: str | None = None
    # An image; PROJECTS_IMAGE: that of the project; None: no container.
    docker: str | None = None
    # A URL, or WORKSPACE/SLUG at the stack's Bitbucket.
    git: str | None = None
    branch: str | None = None
    commit: str | None = None
    module: str | None = None
    # On the machine: absolute, or from where the module runs.
    results_paths: tuple[str, ...] = ()
    # Where the archive goes; None: the stack's data bucket.
    bucket: str | None = None
    # Without slashes around it; empty: the bucket's root.
    prefix: str = DEFAULT_PREFIX
    log_path: str = DEFAULT_LOG_PATH
    # Of the archive; None: the time at which the experiment is over.
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    notify: str | None = None
    # None: terminate what was created, stop what was given.
    afterwards: Afterwards | None = None
    max_hours: float = 24.0
    # Whether that was said: a machine that runs keeps the end that it has otherwise.
    new_end: bool = False
    # 0: a machine without work is left alone until `max_hours`.
    idle_minutes: int = 30
    wait_minutes: float = 10.0
    detach: bool = False
    stale: bool = False
    yes: bool = False
    json: bool = False

    @property
    def creates(self) -> bool:
        """Whether the machine is a new one."""
        return Action.CREATE in self.actions

    @property
    def then(self) -> Afterwards:
        """What becomes of the machine when its work is over."""
        return self.afterwards or ("terminate" if self.creates else "stop")
