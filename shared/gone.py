"""When a commit that Bitbucket does not show is believed to be gone.

A webhook may be faster than the replica that answers a call, and Jenkins got 404 now and then when
it told Bitbucket of a build (JENKINS-75466). So one 404 is not believed, nor two: what is to be
said of a commit is tried again for some minutes, counted from when it became true. No tries are
counted.
"""

from datetime import datetime, timedelta

from shared.bitbucket_refusals import NotFound
from shared.errors import Unavailable
from shared.runs import Run
from shared.telemetry import log

_SHOWN_WITHIN = timedelta(minutes=10)
_AGAIN_SECONDS = 60


def believe_gone(run: Run, missing: NotFound, since: datetime, now: datetime) -> None:
    """Take the commit of `run` for gone; `since` is when there was something to say of it.

    Raises:
        Unavailable: that is not long enough ago, and it may yet be shown.

    """
    if now - since < _SHOWN_WITHIN:
        message = f"{missing}: the commit may not be visible yet"
        raise Unavailable(message, retry_after=_AGAIN_SECONDS) from missing
    full_name = run.repository.full_name if run.repository is not None else None
    log.warning("commit gone", repository=full_name, commit=run.commit)
