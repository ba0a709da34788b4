"""Repositories that are renamed while runs of theirs are open, and perhaps added anew by then.

Bitbucket tells of a push by the name that the repository has then, and answers by its uuid as
before. By the old name it leads nowhere here: somebody else may have it.
"""

from functools import partial

from tests.simulation.projects import REPOSITORIES, Projects
from tests.simulation.world import World

_WITHIN = 1500.0
_ADDED_WITHIN = 1800.0


def plan(world: World, projects: Projects) -> None:
    """Draw which repositories are renamed when, and when somebody adds them by their new names."""
    choices, later = world.choices, world.scheduler.later
    for one in REPOSITORIES:
        if not choices.strikes("renamed", one.full_name):
            continue
        pause = choices.between(0, _WITHIN, "renamed")
        added = choices.among((True, True, False), "added by its new name")
        after = choices.between(1, _ADDED_WITHIN, "added") if added else float("inf")
        choices.tell(f"in {pause:.0f} s, and added {after:.0f} s later")
        rename = partial(projects.rename, one.uuid, world.scheduler.now + pause + after)
        later(pause, rename, "a repository is renamed")
        if added:
            later(pause + after, partial(projects.add, one.uuid), "a project is added anew")
