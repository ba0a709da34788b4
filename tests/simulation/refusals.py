"""Windows of time in which a queue takes nothing of EventBridge's, as with a wrong policy.

EventBridge does not try again what it may not do: such an event is in its rule's dead-letter queue
at once (user guide, "Using dead-letter queues to process undelivered events").
"""

from functools import partial

from tests.simulation import names
from tests.simulation.world import World

_TARGETS = ("BatchEventsQueue", "StatusesQueue")


def plan(world: World, hostile: float) -> None:
    """Draw when each target of a rule refuses, within a hostile time of so many seconds."""
    choices, later = world.choices, world.scheduler.later
    for name in _TARGETS:
        if choices.strikes("target-refuses", name):
            pause = choices.between(0, hostile / 2, f"{name} refuses")
            lasts = choices.between(30, hostile / 2, f"{name} refuses")
            choices.tell(f"in {pause:.0f} s, for {lasts:.0f} s")
            later(pause, partial(_refuse, world, name), "a policy is wrong")
            later(pause + lasts, partial(_take, world, name), "a policy is mended")


def _refuse(world: World, name: str) -> None:
    world.eventbridge.refused.add(names.ref(name))
    world.count("targets that refuse")
    world.trace.say("eventbridge", f"may not put anything on {name}")


def _take(world: World, name: str) -> None:
    world.eventbridge.refused.discard(names.ref(name))
    world.trace.say("eventbridge", f"may put messages on {name} again")
