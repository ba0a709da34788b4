"""One seed: a hostile time, then calm, and what must be true after every step and in the end.

The hostile time ends where the seed says. From then on no fault strikes; all that was begun comes
to its end, an operator redrives what is in dead-letter queues, and the reconciler finds the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import time_machine

from shared.runs import OPEN_STATES
from tests.simulation import access, invariants, job_life, names, operators, people, refusals
from tests.simulation.account import account
from tests.simulation.bitbucket_effects import rotate_token
from tests.simulation.building import surroundings
from tests.simulation.choices import Choices, Strike
from tests.simulation.effects import EffectfulClients
from tests.simulation.functions import Lambda
from tests.simulation.job_courses import is_followed
from tests.simulation.models.declared import declare_job_queues, declare_rules
from tests.simulation.outages import Outages
from tests.simulation.pollers import Pollers
from tests.simulation.scheduler import Scheduler
from tests.simulation.schedules import Schedules
from tests.simulation.violations import Violation
from tests.simulation.world import World

# 2026-11-20 12:00 UTC, as in tests/samples.py.
BEGIN = 1_795_176_000.0
# Only an outage may outlast the tries of a message: 19 at least three minutes apart, most of them.
_HOSTILE_SECONDS = (600.0, 3300.0)
# Longer than any message may stay away (an hour and a fifth) and any job of `job_life` takes.
_LONGEST_SETTLING = 12 * 3600.0
# Then the reconciler has looked some times more, and whatever lands late has landed.
_STILL_SECONDS = 1500.0
# ListJobs' staleness that the lease allows for: 330 s less the submitter's timeout (30 s), what
# lands late (60 s) and two clocks that differ (10 s).
_LISTED_WITHIN = 225.0
_MOST_REDRIVES = 5
# Seconds. Where calls take long, more functions are at the same record at the same time.
_LATENCIES = (0.03, 0.06, 0.06, 0.6)
# Per cent; of the sizes that sweeps have, none, one or some more points.
_TOLERATED = (0, 0, 25, 50)
_OPEN = frozenset(OPEN_STATES)


@dataclass(frozen=True)
class Outcome:
    """What came of a seed. `lines` is the schedule, where a trace was wanted."""

    seed: int
    violation: Violation | None
    steps: int
    decisions: int
    faults: tuple[Strike, ...]
    invocations: int
    seconds_virtual: float
    counts: dict[str, int] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


def simulate(
    seed: int,
    *,
    until: int | None = None,
    without: frozenset[int] = frozenset(),
    trace: bool = False,
) -> Outcome:
    """Run a seed; `until` and `without` leave faults out, see `Choices`."""
    choices = Choices(seed, until=until, without=without)
    with time_machine.travel(BEGIN, tick=False) as traveller:
        scheduler = Scheduler(BEGIN, traveller.move_to)
        world = _world(choices, scheduler, trace=trace)
        if trace:
            choices.on_strike = lambda strike: world.trace.say("  fault", _struck(strike, world))
            choices.on_told = world.trace.add
        violation = None
        with surroundings(world):
            try:
                _run(world)
            except Violation as found:
                violation = found
                world.trace.say("VIOLATION", f"{found.name}: {found.text}")
            finally:
                scheduler.close()
    return Outcome(
        seed=seed,
        violation=violation,
        steps=scheduler.steps,
        decisions=choices.decisions,
        faults=tuple(choices.struck),
        invocations=world.counts.get("invocations", 0),
        seconds_virtual=scheduler.now - BEGIN,
        counts=world.counts,
        lines=tuple(world.trace.lines),
    )


def _struck(strike: Strike, world: World) -> str:
    """A fault, and whom it strikes of those that run."""
    running = world.scheduler.running
    return f"{strike.fault}: {strike.what}" + (f" ({running.label})" if running else "")


def _world(choices: Choices, scheduler: Scheduler, *, trace: bool) -> World:
    """The account as the seed has it, with the stack's rules and a token of Bitbucket's."""
    world = account(choices, scheduler, trace=trace)
    world.latency = choices.among(_LATENCIES, "latency of the seed")
    world.tolerated_percent = choices.among(_TOLERATED, "tolerated points")
    declare_rules(world.eventbridge)
    declare_job_queues(world.batch)
    world.batch.lag_seconds = _LISTED_WITHIN
    rotate_token(world)
    return world


def _run(world: World) -> None:
    hostile = world.choices.between(*_HOSTILE_SECONDS, "hostile time")
    outages = Outages(world.choices, lambda: world.scheduler.now, hostile)
    world.outages = outages
    world.eventbridge.away = outages.left
    outages.announce(world.scheduler, world.trace.say)
    world.clients = lambda who: EffectfulClients(world, outages, who)
    world.functions = Lambda(world, outages)
    pollers = Pollers(world)
    Schedules(world).begin()
    job_life.begin(world)
    people.begin(world)
    access.plan(world, hostile)
    refusals.plan(world, hostile)
    hostile_until = world.scheduler.now + hostile
    _advance(world, max(hostile_until, outages.last_end, access.last_end(world)))
    world.choices.calm = True
    world.trace.say("CALM", "no fault strikes any more")
    _settle(world, list(pollers.sources))
    invariants.at_rest(world)


def _settle(world: World, urls: list[str]) -> None:
    """Let all come to rest; an operator redrives dead letters once nothing else moves.

    But jobs that no record follows may move still: it may take a letter to end one.
    """
    last = world.scheduler.now + _LONGEST_SETTLING
    redrives = 0
    while world.scheduler.now < last:
        _advance(world, world.scheduler.now + 60)
        if _unrest(world, urls, strays=False):
            continue
        if any(map(world.sqs.waiting, operators.routes())) and redrives < _MOST_REDRIVES:
            redrives += 1
            last = world.scheduler.now + _LONGEST_SETTLING
            operators.redrive_all(world, world.sqs)
            continue
        if _unrest(world, urls):
            continue
        _advance(world, world.scheduler.now + _STILL_SECONDS)
        if not _unrest(world, urls):
            return
    # Whoever knows more of what is wrong says it.
    invariants.at_rest(world)
    message = "hours after the last fault: " + "; ".join(_unrest(world, urls))
    name = "rest"
    raise Violation(name, message)


def _advance(world: World, end: float) -> None:
    """Do all that is due until `end`."""
    scheduler, check = world.scheduler, _checked(world)
    while scheduler.next_due is not None and scheduler.next_due <= end:
        scheduler.step()
        check()
    scheduler.now = end


def _checked(world: World) -> Callable[[], None]:
    after_step, when_quiet = invariants.after_step, invariants.when_quiet

    def check() -> None:
        after_step(world)
        when_quiet(world)

    return check


def _unrest(world: World, urls: list[str], *, strays: bool = True) -> list[str]:
    """What still moves; empty: nothing. `strays`: jobs that no record follows count, too."""
    found = []
    if world.functions.busy:
        found.append(f"{world.functions.busy} functions run")
    found += [f"{len(world.sqs.waiting(url))} in {url}" for url in urls if world.sqs.waiting(url)]
    now = world.scheduler.now
    for url in operators.routes():
        hidden = [one for one in world.sqs.waiting(url) if one.visible_at > now]
        found += [f"{len(hidden)} are hidden in {url}"] if hidden else []
    runs = world.dynamodb.items(names.ref("RunsTable"))
    states = {key[0]: run["state"]["S"] for key, run in runs.items()}
    found += [f"run {run_id} is {state}" for run_id, state in states.items() if state in _OPEN]
    live = {
        job_id: job["status"]
        for job_id, job in world.batch.jobs.items()
        if job["status"] not in ("SUCCEEDED", "FAILED") and (strays or is_followed(world, job_id))
    }
    found += [f"job {job_id} is {status}" for job_id, status in live.items()]
    return found
