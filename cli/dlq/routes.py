"""Where a dead letter goes back to, or why it goes nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cli.dlq.letters import Letter


@dataclass(frozen=True)
class Back:
    """It goes back to a queue; `name` is how people call it."""

    name: str
    url: str


@dataclass(frozen=True)
class Nowhere:
    """Nothing can be sent again, and why that does no harm, or what to do instead."""

    why: str


Route: TypeAlias = Back | Nowhere


@dataclass(frozen=True)
class ToItsSource:
    """Every letter of this dead-letter queue came from one queue."""

    source: Back

    def __call__(self, _letter: Letter) -> Route:
        """The queue that the letter died on."""
        return self.source


@dataclass(frozen=True)
class ToNobody:
    """Whoever named these letters wants them gone, wherever they could be sent."""

    def __call__(self, _letter: Letter) -> Route:
        """Nowhere."""
        return Nowhere("named to be dropped")


@dataclass(frozen=True)
class ToItsTarget:
    """Each letter was on its way to the target of a rule; `queues` are the stack's, by ARN."""

    queues: Mapping[str, Back]

    def __call__(self, letter: Letter) -> Route:
        """The queue that the rule sends to; Nowhere for a target of another kind."""
        target = letter.attribute("TARGET_ARN")
        if target is None:
            return Nowhere("a call of the reconciler: its schedule calls it again")
        if target in self.queues:
            return self.queues[target]
        service = target.split(":")[2] if target.count(":") > 2 else ""
        if service == "lambda":
            return Nowhere("a tick of the reconciler's schedule: the next one comes by itself")
        if service == "sns":
            return Nowhere("a mail about a failed run: read it with show --body")
        return Nowhere(f"its target is no queue of this stack: {target}")
