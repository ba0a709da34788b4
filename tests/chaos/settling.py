"""After the storm: wait until all is quiet, and bring back what only a person can bring back."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.runs import OPEN_STATES
from tests.chaos.evidence import records, uuids
from tests.chaos.hearing import Hearing
from tests.chaos.invariants import heard_of, run_of, told_of
from tests.chaos.operator import Operator
from tests.chaos.pushing import Pushed
from tests.e2e.world import World

# A lease, a few deliveries that are given back, the reconciler's minutes: some eight minutes, and
# more on a machine that has much else to do.
_PATIENCE_SECONDS = 1500
_PAUSE_SECONDS = 2.0
# A queue may be empty for the moment between two functions.
_QUIET_LOOKS = 3
# A letter that dies again is sent back again, but not for ever.
_ROUNDS = 5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Recovery:
    """What a person had to do, `redriven` being the letters sent back or dropped, by queue.

    `broken` are pushes that were answered 202 and yet have no record.
    `untold` are pushes that Bitbucket told nobody of, `unanswered` those that it told of in vain.
    """

    redriven: Counter[str]
    untold: int
    unanswered: int
    broken: Sequence[str]
    quiet: bool


def recover(
    world: World, pushed: Sequence[Pushed], hearing: Hearing, operator: Operator, say: Say
) -> Recovery:
    """Wait, redrive what is dead, replay what no webhook told of, and wait again."""
    redriven: Counter[str] = Counter()
    quiet = _settle_and_redrive(world, hearing, operator, redriven, say)
    deliveries = world.bitbucket.deliveries()
    known = {run.run_id for run in records(world)}
    of_repositories = uuids(world, sorted({one.repository for one in pushed}))
    missing = [one for one in pushed if run_of(one, of_repositories) not in known]
    broken = [one for one in missing if heard_of(one, deliveries)]
    untold = [one for one in missing if not told_of(one, deliveries)]
    if missing:
        say(f"{len(missing)} pushes were never answered 202: cloud-runner push replay")
        operator.replay()
        quiet = _settle_and_redrive(world, hearing, operator, redriven, say)
    return Recovery(
        redriven=redriven,
        untold=len(untold),
        unanswered=len(missing) - len(untold) - len(broken),
        broken=[
            f"{one.repository} {one.branch} was answered 202 and has no record" for one in broken
        ],
        quiet=quiet,
    )


def _settle_and_redrive(
    world: World, hearing: Hearing, operator: Operator, redriven: Counter[str], say: Say
) -> bool:
    for _ in range(_ROUNDS):
        quiet = _settle(world, hearing, say)
        dead = operator.dead_letters()
        if not dead:
            return quiet
        redriven.update(dead)
        say(f"dead letters: {', '.join(f'{n} of {name}' for name, n in dead.items())}: sent back")
        for name in dead:
            operator.redrive(name)
    return _settle(world, hearing, say)


def _settle(world: World, hearing: Hearing, say: Say) -> bool:
    """Wait until nothing moves; False if something still does after a long time.

    What waits for a person alone is quiet, too: a run that is open because its message is dead.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    quiet_looks, last = 0, ""
    while quiet_looks < _QUIET_LOOKS:
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
        hearing.listen()
        messages = world.messages()
        waiting = {k: n for k, n in messages.items() if n and not k.endswith("-dlq")}
        dead = any(n for k, n in messages.items() if k.endswith("-dlq"))
        is_open = sum(1 for state in OPEN_STATES for _ in world.runs.latest(state))
        quiet_looks = 0 if waiting or (is_open and not dead) else quiet_looks + 1
        told = f"settling: {is_open} runs open, messages {waiting or 'none'}"
        if told != last:
            say(told)
        last = told
    return True
