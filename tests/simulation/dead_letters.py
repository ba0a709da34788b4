"""When a message may be given up: after all of its tries, and only because something was away."""

from tests.simulation import access
from tests.simulation.models.messages import Message
from tests.simulation.violations import Violation
from tests.simulation.world import World

# What a function gives back comes again after 15 s, then 30 s, and so on (shared/consumer.py), or
# when the visibility timeout ends, where that is sooner: nobody has given it back then.
_FIRST_DELAY = 15.0
# The longest pause between two tries (shared/consumer.py: 15 min, and a fifth): by so much an
# outage may be shorter than the time in which a message is tried.
_LONGEST_BACKOFF = 1080.0


def least_seconds(world: World, url: str) -> float:
    """How long a message of that queue is tried at least, whatever happens to each try."""
    return world.sqs.retry_seconds(url, lambda delivery: _FIRST_DELAY * 2 ** (delivery - 1))


def check(world: World, url: str, letter: Message) -> None:
    """Look at a message that has just been given up.

    Raises:
        Violation: it was given up too early, or nothing was away for as long as that.

    """
    begun, died = letter.first_received_at or 0, letter.died_at or 0
    tried, least = died - begun, least_seconds(world, url)
    away = max(world.outages.longest_within(begun, died), access.longest_within(world, begun, died))
    if tried < least - 1 or away < least - _LONGEST_BACKOFF:
        text = f"{url.rpartition('/')[2]}: given up after {tried:.0f} s: {letter.body[:150]}"
        raise Violation("early-dead-letter", text)
