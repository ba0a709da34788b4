"""The tags of a machine of one's own: by them it is found, judged overdue, and may be ended.

Whoever makes or takes over a machine writes them; nothing else says which machines are ours.
"""

from datetime import UTC, datetime

# EC2's own, which the console shows.
NAME = "Name"
# "<organization>-<environment>", as on a Batch job. Roles may end what carries it, and only that.
STACK = "cloud-runner"
# "created" or "given": whether we launched it or somebody handed it to us.
MACHINE = "cloud-runner-machine"
# Who asked for it.
BY = "cloud-runner-by"
# When its watchdog ends it at the latest, see `ends`.
ENDS = "cloud-runner-ends"
# "terminate", "stop" or "keep": what becomes of it when its work is done.
AFTERWARDS = "cloud-runner-afterwards"
# Minutes without an experiment after which it ends.
IDLE_MINUTES = "cloud-runner-idle-minutes"
# The call that made it, as no other call is called.
CALL = "cloud-runner-call"
# The run that it has, or had last.
RUN = "cloud-runner-run"

CREATED = "created"
GIVEN = "given"


def ends(moment: datetime) -> str:
    """A moment as the tag `ENDS` says it: UTC, whole seconds.

    >>> ends(datetime(2026, 11, 21, 18, tzinfo=UTC))
    '2026-11-21T18:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_ends(text: str) -> datetime | None:
    """The moment that the tag `ENDS` says; None where it says none: anybody may edit a tag.

    >>> read_ends("2026-11-21T18:00:00Z")
    datetime.datetime(2026, 11, 21, 18, 0, tzinfo=datetime.timezone.utc)
    >>> read_ends("tomorrow") is None
    True
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
