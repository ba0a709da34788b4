"""When a job definition or a job queue that Batch does not show is believed to be missing.

RegisterJobDefinition is eventually consistent (broadinstitute/cromwell#4076; some minutes in
NatLabRockies/buildstockbatch#506), and an update of a project's stack puts one revision in the
place of another. So neither one empty answer is believed nor two: it is asked again until some time
has passed since the attempt was asked for. No tries are counted, and none is made at that very
moment: the queue's pauses grow, so the last one may come as long again later.
"""

import math
from datetime import datetime, timedelta

from shared.errors import Unavailable
from shared.runs import Run

_AGAIN_SECONDS = 60


def believe_missing(run: Run, what: str, now: datetime, within_seconds: int) -> None:
    """Take what the current attempt of `run` needs for missing.

    Raises:
        Unavailable: the attempt was asked for less than `within_seconds` ago, and it may be shown
            yet.

    """
    until = run.requested_at + timedelta(seconds=within_seconds)
    if now < until:
        left = math.ceil((until - now).total_seconds()) + 1
        message = f"there is no {what} yet: it is looked for until after {until:%H:%M:%S} UTC"
        raise Unavailable(message, retry_after=min(_AGAIN_SECONDS, left))
