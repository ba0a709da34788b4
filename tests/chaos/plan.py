"""What is pushed, decided by a seed before anything is started."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

# The slug of each repository, and what its jobs run: they end at once, later, or in failure.
JOBS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "at-once": ("true",),
        "in-a-second": ("sleep", "1"),
        "in-three": ("sleep", "3"),
        "in-failure": ("sh", "-c", "sleep 0.5; exit 3"),
    }
)
WORKSPACE = "acme"
# One push in so many moves a second branch as well, to a commit that asks for nothing.
_WITH_A_SECOND = 5
_EXTRAS = ("", ":ACME_VCPUS: 1\n", ":ACME_MEMORY: 256\n", ":ACME_RUN_EXP:\n")


@dataclass(frozen=True)
class PlannedPush:
    """One push, whose first branch asks for a run; `pause` are the seconds before it."""

    repository: str
    branch: str
    message: str
    beside: str | None
    pause: float


def planned(pushes: int, seed: int, mean_pause: float) -> Sequence[PlannedPush]:
    """The pushes of a seed, each to a branch of its own, so that each stays its branch's head."""
    chance = random.Random(f"{seed}/pushes")
    return [
        PlannedPush(
            repository=f"{WORKSPACE}/{chance.choice(list(JOBS))}",
            branch=f"work-{number:03}",
            message=f"Push {number}\n\n:ACME_RUN: -P\n{chance.choice(_EXTRAS)}",
            beside=f"notes-{number:03}" if chance.randrange(_WITH_A_SECOND) == 0 else None,
            pause=chance.uniform(0, 2 * mean_pause),
        )
        for number in range(1, pushes + 1)
    ]
