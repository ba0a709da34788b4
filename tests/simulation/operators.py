"""Who looks after dead letters: they are sent back by the command line's own code.

Letters of the queue `undelivered` go to the queues that they were meant for, or nowhere.
"""

from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.dlq.letters import Letter
from cli.dlq.queues import KINDS, DeadLetterQueue
from cli.dlq.redriving import redrive
from cli.dlq.routes import Back, Route, ToItsSource, ToItsTarget
from tests.contracts import wiring
from tests.simulation import names
from tests.simulation.world import World

_FAILURES = (BotoCoreError, ClientError)
# cli/account.py: a command tries a call five times.
_CALLS = 5
# Within a seed there are never as many.
_MOST = 10_000


class _Noted(DeadLetterQueue):
    """A dead-letter queue whose letters, once they are sent back, live on as other messages."""

    def __init__(self, sqs: Any, url: str, handled: set[str]) -> None:
        super().__init__(sqs, url)
        self._handled = handled

    def send(self, url: str, letter: Letter) -> str:
        """Send a letter back."""
        message_id = super().send(url, letter)
        self._handled.add(letter.id)
        return message_id


@cache
def routes() -> dict[str, Callable[[Letter], Route]]:
    """The stack's dead-letter queues, by url, and where the letters of each go."""
    sources = {kind: _output(kind.source) for kind in KINDS.values() if kind.source is not None}
    arns = {names.ref(one): names.get_att(one, "Arn") for one in wiring.queues()}
    backs = {kind: Back(kind.name, url) for kind, url in sources.items()}
    targets = ToItsTarget({arns[url]: backs[kind] for kind, url in sources.items()})
    return {
        _output(kind.output): ToItsSource(backs[kind]) if kind in backs else targets
        for kind in KINDS.values()
    }


def send_back(
    sqs: Any, dead: str, route: Callable[[Letter], Route], handled: Collection[str] = ()
) -> int:
    """Send back what is in the dead-letter queue `dead`, and delete what goes nowhere; how many.

    `handled` gets the ids of those that were sent.
    """
    queue = _Noted(sqs, dead, handled if isinstance(handled, set) else set())
    return sum(one.done == "sent" for one in redrive(queue, route, most=_MOST, drop=True))


def redrive_all(world: World, sqs: Any) -> int:
    """Send all dead letters of the stack back; how many."""
    sent = 0
    for url, route in routes().items():
        if world.sqs.waiting(url):
            moved = send_back(sqs, url, route, world.ledger.handled)
            world.trace.say("operator", f"redrives {moved} dead letters of {url}")
            sent += moved
    world.count("dead letters redriven", sent)
    return sent


def redrive_by_command(world: World) -> None:
    """Somebody redrives while faults still strike, and may be cut off in the middle."""

    def work() -> None:
        try:
            redrive_all(world, world.clients("person").make("sqs", attempts=_CALLS))
        except _FAILURES as error:
            world.trace.say("operator", f"redriving failed: {error}")

    world.count("commands: dlq redrive")
    world.scheduler.spawn("person: dlq redrive", work)


def _output(name: str) -> str:
    return names.text(wiring.TEMPLATE["Outputs"][name]["Value"])
