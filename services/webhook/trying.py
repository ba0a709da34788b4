"""How long the webhook tries before it says 503: as long as Bitbucket's 10 s leave time for it.

Bitbucket sends a delivery that is answered 5xx again, twice, but has been seen to do so at once
(community.developer.atlassian.com/t/41486). What AWS throttles for two seconds would outlast all
three, so the webhook holds its answer back instead, and tries again.
"""

import time
from collections.abc import Callable
from random import SystemRandom
from typing import Protocol

from services.webhook.delivery import Answer
from shared.errors import Unavailable
from shared.telemetry import log

# Of SQS and Secrets Manager alike: one call, once. Trying again is done here.
CALL_SECONDS = 3
# What a try takes that hangs in one call, with time to give the answer. In two it is cut off.
_TRY_SECONDS = CALL_SECONDS + 0.5
_FIRST_PAUSE = 0.1
# Not a generator that SnapStart would restore with the same state in each instance.
_CHANCE = SystemRandom()


class Invocation(Protocol):
    """Lambda's context object, as far as it is looked at."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda cuts the function off."""


def until_taken(take: Callable[[], Answer], invocation: Invocation | None = None) -> Answer:
    """What `take` answers once nothing that it needs is away; 503 if time does not suffice.

    A try that failed may have stored some of the events; they are stored twice then, which every
    consumer bears. Without `invocation` nobody tells how much time there is: one try is made.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return take()
        except Unavailable as error:
            # At random: deliveries that were throttled together do not come back together.
            wait = pause * _CHANCE.uniform(0.5, 1)
            if not _time_for_another(invocation, wait):
                log.warning("webhook not taken", doing=str(error))
                return Answer(503, "try again")
            log.info("webhook tried again", doing=str(error))
            time.sleep(wait)
            pause *= 2


def _time_for_another(invocation: Invocation | None, wait: float) -> bool:
    if invocation is None:
        return False
    return invocation.get_remaining_time_in_millis() >= (wait + _TRY_SECONDS) * 1000
