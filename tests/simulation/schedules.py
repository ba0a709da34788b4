"""What happens by itself: the reconciler's schedule, and now and then another deployment.

EventBridge calls a function asynchronously: Lambda tries twice more if that fails, after one minute
and after two; what it cannot call it tries for six hours, at most five minutes apart (AWS Lambda
developer guide, "How Lambda handles errors and retries with asynchronous invocation"); what is left
goes to the function's dead-letter queue. While
EventBridge is away its schedules do not fire.
"""

import json
import re
from typing import Any

from tests.contracts import wiring
from tests.simulation import names
from tests.simulation.world import World

_AGAIN_SECONDS = (60, 120)
_KEPT_SECONDS = 6 * 3600.0
_BETWEEN_TRIES = 300.0
_DEPLOYED_EVERY = 240


class Schedules:
    """The stack's schedule, from `begin` on until the simulation ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ticks = 0
        written = names.text(wiring.properties("ReconcileSchedule")["ScheduleExpression"])
        found = re.fullmatch(r"rate\((\d+) minutes?\)", written)
        assert found is not None
        self.every = 60.0 * int(found[1])

    def begin(self) -> None:
        """Start somewhere within the rate, as a stack that was deployed at any time."""
        first = self._world.choices.between(0, self.every, "first tick")
        self._world.scheduler.later(first, self._tick, "schedule")
        self._world.scheduler.later(_DEPLOYED_EVERY, self._deploy, "deployment")

    def _tick(self) -> None:
        self._world.scheduler.later(self.every, self._tick, "schedule")
        self._ticks += 1
        if self._world.outages.hits("events"):
            self._world.count("ticks that an outage of events swallowed")
            return
        event = {"id": f"tick-{self._ticks}", "source": "aws.events"}
        if not self._world.choices.strikes("event-lost", "schedule"):
            self._call(event, 0)
        if self._world.choices.strikes("event-twice", "schedule"):
            self._call(event, 0)

    def _call(self, event: dict[str, Any], tried: int) -> None:
        def ended(answer: Any) -> None:
            if answer is None and tried < len(_AGAIN_SECONDS):
                after = _AGAIN_SECONDS[tried]
                self._world.scheduler.bring(after, lambda: self._call(event, tried + 1), "retry")
            elif answer is None:
                self._give_up(event)

        wait = self._world.functions.refuses("reconciler")
        if not wait:
            self._world.functions.invoke("reconciler", event, ended)
        elif wait < _KEPT_SECONDS:
            wait += self._world.choices.between(0, min(wait, _BETWEEN_TRIES), "late tick")
            self._world.scheduler.later(wait, lambda: self._call(event, tried), "late tick")
        else:
            self._give_up(event)

    def _give_up(self, event: dict[str, Any]) -> None:
        """Put what the reconciler could not be called with where Lambda puts it."""
        self._world.count("ticks given up")
        self._world.sqs.put(names.ref("UndeliveredDlq"), json.dumps(event), "AROALAMBDA:reconciler")

    def _deploy(self) -> None:
        if self._world.choices.calm:
            return
        self._world.scheduler.later(_DEPLOYED_EVERY, self._deploy, "deployment")
        if self._world.choices.strikes("redeploy", "stack"):
            self._world.functions.redeploy()
