"""Lambda: warm and cold instances of the real services, timeouts that cut off, a redeployment.

An instance has a clock of its own, and one invocation at a time. One that was cut off is gone, as
is one that an older release has left behind; both are replaced by a cold start.
"""

import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.entry import Handler
from tests.contracts import wiring
from tests.simulation import foreseen, telling
from tests.simulation.aging import age_messages
from tests.simulation.bitbucket_effects import EffectfulHttp
from tests.simulation.building import SERVICES, build
from tests.simulation.effects import EffectfulClients
from tests.simulation.models.messages import Lineage
from tests.simulation.outages import Outages
from tests.simulation.scheduler import Process
from tests.simulation.world import World

# Longer than any queue waits for a batch: Lambda gives some batches back uncalled, others late.
_LONGEST_THROTTLED = 500.0
# AWS Lambda developer guide, "Use Lambda recursive loop detection": approximately.
_MOST_IN_A_CHAIN = 16
# Clocks of Lambda's machines agree much better than that.
_MOST_SKEW_SECONDS = 5.0


@dataclass(eq=False)
class Instance:
    """One copy of a service, built; `release` is the deployment that it is of."""

    name: str
    handler: Handler
    release: int
    skew: float
    busy: bool = False


@dataclass(frozen=True)
class Invocation:
    """Lambda's context object: what is left of the function's time."""

    now: Callable[[], float]
    ends_at: float

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is cut off."""
        return int((self.ends_at - self.now()) * 1000)


@dataclass
class Deployed:
    """A function of the stack; `loops`: it may be called by what its own messages lead to."""

    service: str
    timeout: int
    loops: bool
    instances: list[Instance] = field(default_factory=list)
    made: int = 0


class Lambda:
    """All functions of template.yaml."""

    def __init__(self, world: World, outages: Outages) -> None:
        self._world = world
        self._outages = outages
        self._release = 1
        self._deployed = {
            service: Deployed(service, function.timeout, function.loops)
            for service, function in ((one, wiring.function_of(one)) for one in SERVICES)
        }
        world.sqs.lineage = self._lineage
        self.busy = 0

    def invoke(
        self,
        name: str,
        event: dict[str, Any],
        done: Callable[[Any], None],
        lineage: Lineage | None = None,
    ) -> None:
        """Call a function; `done` gets its answer, None if it was cut off or raised.

        `lineage` is how often functions were called for it to be called.
        """
        deployed = self._deployed[name]
        instance, cold = self._idle(deployed)
        instance.busy = True
        self.busy += 1
        world = self._world
        world.count("invocations")
        invocation = Invocation(lambda: world.scheduler.now, world.scheduler.now + deployed.timeout)

        def work() -> Any:
            if cold:
                world.scheduler.pause(world.choices.between(0.3, 1.5, "cold start"))
            try:
                answer = instance.handler(event, invocation)
            except Exception as error:  # noqa: BLE001 - Lambda answers any for the function
                world.log_lines.append(traceback.format_exc())
                foreseen.look_at(world, instance.name, error)
                world.count(f"functions that raised {type(error).__name__}")
                world.trace.say(instance.name, f"raises {error!r}")
                return None
            if name == "webhook":
                world.answers.append(str(answer))
            return answer

        def ended(answer: Any) -> None:
            self.busy -= 1
            instance.busy = False
            if process.killed:
                world.count("functions cut off")
                world.trace.say(instance.name, "is cut off")
            if process.killed or instance.release != self._release:
                deployed.instances.remove(instance)
            done(answer)

        if world.trace.on:
            world.trace.say(
                instance.name, f"starts{' cold' if cold else ''} with {telling.given(event)}"
            )
        process = world.scheduler.spawn(
            instance.name, work, deadline=deployed.timeout, done=ended, skew=instance.skew
        )
        self._step_clock(instance, process, deployed.timeout)
        called = lineage or {}
        process.lineage = {**called, name: called.get(name, 0) + 1}

    def refuses(self, name: str, lineage: Lineage | None = None) -> float:
        """For how many seconds Lambda calls the function for nobody; 0: it does now.

        For ever, where it was called so often in one chain of messages that Lambda takes it for an
        endless loop, and the template does not say that it may be one.

        It is away, or all that the account may run at once is running (AWS Lambda developer guide,
        "Understanding Lambda function scaling": the functions of an account share its concurrency).
        """
        if not self._deployed[name].loops and (lineage or {}).get(name, 0) >= _MOST_IN_A_CHAIN:
            self._world.count("invocations refused as a loop")
            return math.inf
        away = self._outages.left("lambda")
        if away:
            self._world.count("invocations refused in an outage of lambda")
            return away
        choices = self._world.choices
        left = self._outages.storms.left("lambda", name)
        if left:
            self._world.count("invocations throttled in a storm")
            # Others give some of the account's concurrency back meanwhile.
            return min(left, choices.between(0.5, _LONGEST_THROTTLED, name))
        if choices.strikes("invoke-throttled", name):
            self._world.count("invocations throttled")
            return choices.seconds(0.5, _LONGEST_THROTTLED, name)
        return 0.0

    def redeploy(self) -> None:
        """Another release: messages in flight are of an older, or a newer, version from now on."""
        self._release += 1
        for deployed in self._deployed.values():
            deployed.instances = [one for one in deployed.instances if one.busy]
        newer = self._world.choices.among([False, True], "which version is in flight")
        changed = age_messages(self._world.sqs, newer=newer)
        records = self._world.aged.age(self._world.dynamodb, newer=newer)
        self._world.count("redeployments")
        told = "newer" if newer else "older"
        self._world.trace.say(
            "stack",
            f"is deployed anew: {records} records and {changed} messages of a {told} version",
        )

    def _step_clock(self, instance: Instance, process: Process, timeout: int) -> None:
        """Set the clock of an instance while it works, or not long after: forward or back."""
        choices = self._world.choices
        if not choices.strikes("clock-steps", instance.name):
            return
        after = choices.seconds(0, timeout, instance.name)

        def step() -> None:
            instance.skew = process.skew = self._skew(instance.name)

        self._world.scheduler.later(after, step, f"the clock of {instance.name} is set")

    def _skew(self, name: str) -> float:
        return self._world.choices.seconds(-_MOST_SKEW_SECONDS, _MOST_SKEW_SECONDS, name)

    def _lineage(self) -> Lineage:
        running = self._world.scheduler.running
        return running.lineage if running is not None else {}

    def _idle(self, deployed: Deployed) -> tuple[Instance, bool]:
        """An instance that is free, and whether it is new."""
        choices = self._world.choices
        free = [one for one in deployed.instances if not one.busy and one.release == self._release]
        if free and not choices.strikes("recycled", deployed.service):
            return choices.among(free, deployed.service), False
        deployed.made += 1
        self._world.count("cold starts")
        name = f"{deployed.service}-{deployed.made}"
        skew = self._skew(name) if choices.strikes("skew", name) else 0.0
        handler = build(
            deployed.service,
            EffectfulClients(self._world, self._outages, deployed.service),
            EffectfulHttp(self._world, self._outages, deployed.service),
            {"TOLERATED_FAILURE_PERCENT": str(self._world.tolerated_percent)},
        )
        instance = Instance(name, handler, self._release, skew)
        deployed.instances.append(instance)
        return instance, True
