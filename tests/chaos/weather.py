"""A storm from its first push to the last look at what it left."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import click

from local.stack import Stack
from tests.chaos.evidence import gather, secret_texts
from tests.chaos.faults import PartDies
from tests.chaos.hearing import Hearing
from tests.chaos.invariants import verdicts
from tests.chaos.operator import Operator
from tests.chaos.plan import PlannedPush
from tests.chaos.pushing import Pusher
from tests.chaos.report import Report, died_at_work
from tests.chaos.settling import Say, recover
from tests.chaos.stack import define_jobs, faults, hurry
from tests.chaos.storm import Storm
from tests.e2e.world import World

_LOOK_SECONDS = 0.5
_PROGRESS_SECONDS = 5.0
# For runs that have only begun when all is pushed.
_LONGER_SECONDS = 30.0
# No record has changed for so long: whatever has not struck by now has nothing left to hit.
_STILL_SECONDS = 300.0
_CHANGES_A_PUSH = 3


def weather(stack: Stack, plan: Sequence[PlannedPush], seed: int) -> Report:
    """Let the storm blow while all is pushed, let it settle, and look; progress is printed."""
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"  {time.monotonic() - began:5.0f} s  {text}")

    world = World(stack.describe(), stack.bitbucket, stack.state.root)
    define_jobs(world)
    hurry(world)
    hearing = Hearing(world, secret_texts(world))
    pusher = Pusher(stack.bitbucket, stack.state.working_copy, hearing.is_full)
    pusher.begin(sorted({one.repository for one in plan}))
    with ExitStack() as ends:
        kinds = faults(stack, len(plan))
        parts = [kind for kind in kinds if isinstance(kind, PartDies)]
        for part in parts:
            ends.callback(part.end)
        storm = Storm(kinds, seed, hearing.changes)
        _push_through(storm, pusher, plan, hearing, say)
        say(f"the storm is over; {len(pusher.done)} pushes are through")
        operator = Operator(stack.state.root, stack.state.logs / "operator.log")
        recovery = recover(world, pusher.done, hearing, operator, say)
        hearing.listen()
        seen = gather(world, pusher.done, hearing)
        return Report(
            planned=len(plan),
            kinds=[kind.name for kind in kinds],
            strikes=storm.strikes,
            away_seconds={part.name: part.away_seconds for part in parts},
            died_at_work=died_at_work(stack.state.logs / "aws.log"),
            recovery=recovery,
            seen=seen,
            verdicts=verdicts(seen),
        )


def _push_through(
    storm: Storm, pusher: Pusher, plan: Sequence[PlannedPush], hearing: Hearing, say: Say
) -> None:
    """Push all of the plan while the storm blows; it goes on until it has met most of the work."""
    ending = threading.Event()
    with ThreadPoolExecutor(1) as pool, storm.blowing():
        try:
            pushing = pool.submit(pusher.push_all, plan, ending)
            _watch(storm, pusher, pushing, hearing, say)
            pushing.result()
            _wait_for_the_rest(storm, hearing, _CHANGES_A_PUSH * len(plan))
        finally:
            ending.set()


def _wait_for_the_rest(storm: Storm, hearing: Hearing, enough: int) -> None:
    """Wait until every kind has struck, however long that takes; a while only for the work.

    It ends, too, where nothing moves any more: a storm that cannot strike is told, not waited for.
    """
    until = time.monotonic() + _LONGER_SECONDS
    moved, changes = time.monotonic(), hearing.changes()
    while time.monotonic() < moved + _STILL_SECONDS:
        if storm.has_struck_with_all() and (
            hearing.changes() >= enough or time.monotonic() > until
        ):
            return
        storm.check()
        time.sleep(_LOOK_SECONDS)
        hearing.listen()
        if hearing.changes() != changes:
            moved, changes = time.monotonic(), hearing.changes()


def _watch(
    storm: Storm, pusher: Pusher, pushing: "Future[None]", hearing: Hearing, say: Say
) -> None:
    """Print how far it is until all is pushed."""
    last = time.monotonic()
    while not pushing.done():
        storm.check()
        time.sleep(_LOOK_SECONDS)
        hearing.listen()
        if time.monotonic() - last < _PROGRESS_SECONDS:
            continue
        last = time.monotonic()
        struck = ", ".join(f"{name} {times}" for name, times in storm.times().most_common())
        states = ", ".join(f"{n} {state}" for state, n in hearing.states().most_common())
        say(f"pushed {len(pusher.done)}; {states or 'nothing heard'}; killed: {struck or 'none'}")
