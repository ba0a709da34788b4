"""Windows of time in which a service answers nobody."""

from collections.abc import Callable

from tests.simulation.choices import Choices

SERVICES = ("dynamodb", "sqs", "events", "batch", "bitbucket", "secretsmanager")
_PREFIX = "outage-"


class Outages:
    """When each service is away, in true virtual seconds; drawn once for a seed.

    Most last for minutes. Some last longer than a message is tried: these make dead letters, which
    are then right.
    """

    def __init__(self, choices: Choices, now: Callable[[], float], hostile: float) -> None:
        self._choices = choices
        self._now = now
        self._windows: dict[str, tuple[float, float]] = {}
        for service in SERVICES:
            if choices.strikes(f"{_PREFIX}{service}", "all of it"):
                begins = now() + choices.between(0, hostile / 2, service)
                long = choices.between(0, 1, f"length {service}") < 0.1
                lasts = choices.between(*((18_000, 30_000) if long else (30, 1800)), service)
                self._windows[service] = (begins, begins + lasts)

    @property
    def longest(self) -> float:
        """How long the longest lasts, in seconds; 0: there is none."""
        return max((ends - begins for begins, ends in self._windows.values()), default=0.0)

    @property
    def last_end(self) -> float:
        """When the last one is over."""
        return max((ends for _, ends in self._windows.values()), default=self._now())

    def hits(self, service: str) -> bool:
        """Whether the service is away now; no call comes through while it is `calm`."""
        if not self._windows or self._choices.calm:
            return False
        begins, ends = self._windows.get(service, (0.0, 0.0))
        return begins <= self._now() < ends
