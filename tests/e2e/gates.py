"""Holds the running stack at a moment, so that a test sees what would pass by."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.world import World


@contextmanager
def queues_paused(world: World) -> Iterator[None]:
    """No job begins until the end of the block: a run stays `submitted` until then."""
    paths = [f"/_control/queues/{queue}" for queue in world.told["job_queues"]]
    try:
        for path in paths:
            world.batch_control(path, {"paused": True})
        yield
    finally:
        for path in paths:
            world.batch_control(path, {"paused": False})


@contextmanager
def events_lost(world: World) -> Iterator[None]:
    """No event of Batch's arrives until the end of the block."""
    try:
        world.batch_control("/_control/faults", {"drop_events": True})
        yield
    finally:
        world.batch_control("/_control/faults", {"drop_events": 0})


@contextmanager
def schedule_off(world: World) -> Iterator[None]:
    """The reconciler runs when it is told to, and not by itself, until the end of the block."""
    events = world.client("events")
    names = [rule["Name"] for rule in events.list_rules()["Rules"]]
    (rule,) = (name for name in names if "ReconcileSchedule" in name)
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)
