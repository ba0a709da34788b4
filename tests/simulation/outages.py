"""Windows of time in which a service answers nobody.

What the services do for each other stands still as well: Lambda's pollers, EventBridge's deliveries
and schedules, see `pollers`, `models.eventbridge` and `schedules`.
"""

from collections.abc import Callable
from functools import partial

from tests.simulation.choices import Choices
from tests.simulation.scheduler import Scheduler
from tests.simulation.storms import Storms

SERVICES = ("dynamodb", "sqs", "events", "batch", "bitbucket", "secretsmanager", "lambda")
_PREFIX = "outage-"


class Outages:
    """When each service is away, or throttled with others (`storms`), in true virtual seconds.

    Drawn once for a seed.

    Most last for minutes. Some last longer than a message is tried: these make dead letters, which
    are then right.
    """

    def __init__(self, choices: Choices, now: Callable[[], float], hostile: float) -> None:
        self._choices = choices
        self._now = now
        self._windows: dict[str, tuple[float, float]] = {}
        self.storms = Storms(choices, now, hostile)
        for service in SERVICES:
            if choices.strikes(f"{_PREFIX}{service}", "all of it"):
                begins = now() + choices.between(0, hostile / 2, service)
                long = choices.between(0, 1, f"length {service}") < 0.1
                lasts = choices.between(*((18_000, 30_000) if long else (30, 1800)), service)
                self.let(service, begins, begins + lasts)
                choices.tell(f"in {begins - now():.0f} s, for {lasts:.0f} s")

    def let(self, service: str, begins: float, ends: float) -> None:
        """Let a service be away then, and at no other time."""
        self._windows[service] = (begins, ends)

    def longest_within(self, begins: float, ends: float) -> float:
        """For how many seconds, at most, one of the services was away in that time."""
        windows = self._all
        return max((min(end, ends) - max(begin, begins) for begin, end in windows), default=0.0)

    @property
    def last_end(self) -> float:
        """When the last one is over."""
        return max((ends for _, ends in self._all), default=self._now())

    @property
    def _all(self) -> list[tuple[float, float]]:
        return [*self._windows.values(), *self.storms.windows]

    def hits(self, service: str) -> bool:
        """Whether the service is away now; no call comes through while it is `calm`."""
        return self.left(service) > 0

    def left(self, service: str) -> float:
        """For how many seconds more the service is away; 0: it is there."""
        if not self._windows or self._choices.calm:
            return 0.0
        begins, ends = self._windows.get(service, (0.0, 0.0))
        now = self._now()
        return ends - now if begins <= now < ends else 0.0

    def announce(self, scheduler: Scheduler, say: Callable[[str, str], None]) -> None:
        """Say when each of them begins and ends, for who reads a schedule."""
        for service, (begins, ends) in self._windows.items():
            for at, what in ((begins, "is away"), (ends, "is back")):
                scheduler.later(at - self._now(), partial(say, service, what), f"{service} {what}")
        for begins, ends in self.storms.windows:
            for at, what in ((begins, "is throttled"), (ends, "is throttled no more")):
                scheduler.later(at - self._now(), partial(say, "account", what), f"account {what}")
