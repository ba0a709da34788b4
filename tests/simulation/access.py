"""Windows of time in which the stack's credentials have lost access to a repository.

Bitbucket then answers as if there were no such repository. Most such windows last for minutes; some
last longer than a message is tried, as outages do: these make dead letters, which are then right.
"""

from functools import partial

from tests.simulation.projects import REPOSITORIES
from tests.simulation.world import World


def plan(world: World, hostile: float) -> None:
    """Draw when each repository is hidden, within a hostile time of so many seconds."""
    choices, later = world.choices, world.scheduler.later
    for name in (one.full_name for one in REPOSITORIES):
        if not choices.strikes("access-lost", name):
            continue
        pause = choices.between(0, hostile / 2, f"access to {name} is lost")
        long = choices.between(0, 1, f"length of lost access to {name}") < 0.1
        lasts = choices.between(*((18_000, 30_000) if long else (30, 1800)), name)
        choices.tell(f"in {pause:.0f} s, for {lasts:.0f} s")
        begins = world.scheduler.now + pause
        world.ledger.hidden.append((begins, begins + lasts))
        later(pause, partial(_hide, world, name), "access is lost")
        later(pause + lasts, partial(_show, world, name), "access is given back")


def longest_within(world: World, begins: float, ends: float) -> float:
    """For how many seconds, at most, one of the repositories was hidden in that time."""
    windows = world.ledger.hidden
    return max((min(end, ends) - max(begin, begins) for begin, end in windows), default=0.0)


def last_end(world: World) -> float:
    """When the last window is over."""
    return max((end for _, end in world.ledger.hidden), default=world.scheduler.now)


def _hide(world: World, name: str) -> None:
    world.bitbucket.hidden.add(name)
    world.count("access to a repository lost")
    world.trace.say("bitbucket", f"hides {name} from the stack")


def _show(world: World, name: str) -> None:
    world.bitbucket.hidden.discard(name)
    world.trace.say("bitbucket", f"shows {name} again")
