"""Lambda: warm and cold instances of the real services, timeouts that cut off, a redeployment.

An instance has a clock of its own, and one invocation at a time. One that was cut off is gone, as
is one that an older release has left behind; both are replaced by a cold start.
"""

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
from tests.simulation.outages import Outages
from tests.simulation.world import World

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


@dataclass
class Deployed:
    """A function of the stack."""

    service: str
    timeout: int
    instances: list[Instance] = field(default_factory=list)
    made: int = 0


class Lambda:
    """All functions of template.yaml."""

    def __init__(self, world: World, outages: Outages) -> None:
        self._world = world
        self._outages = outages
        self._release = 1
        self._deployed = {
            service: Deployed(service, wiring.function_of(service).timeout) for service in SERVICES
        }
        self.busy = 0

    def invoke(self, name: str, event: dict[str, Any], done: Callable[[Any], None]) -> None:
        """Call a function; `done` gets its answer, None if it was cut off or raised."""
        deployed = self._deployed[name]
        instance, cold = self._idle(deployed)
        instance.busy = True
        self.busy += 1
        world = self._world
        world.count("invocations")

        def work() -> Any:
            if cold:
                world.scheduler.pause(world.choices.between(0.3, 1.5, "cold start"))
            try:
                answer = instance.handler(event, None)
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

    def _idle(self, deployed: Deployed) -> tuple[Instance, bool]:
        """An instance that is free, and whether it is new."""
        choices = self._world.choices
        free = [one for one in deployed.instances if not one.busy and one.release == self._release]
        if free and not choices.strikes("recycled", deployed.service):
            return choices.among(free, deployed.service), False
        deployed.made += 1
        self._world.count("cold starts")
        name = f"{deployed.service}-{deployed.made}"
        skewed = choices.strikes("skew", name)
        skew = choices.seconds(-_MOST_SKEW_SECONDS, _MOST_SKEW_SECONDS, name) if skewed else 0.0
        handler = build(
            deployed.service,
            EffectfulClients(self._world, self._outages, deployed.service),
            EffectfulHttp(self._world, self._outages, deployed.service),
        )
        instance = Instance(name, handler, self._release, skew)
        deployed.instances.append(instance)
        return instance, True
