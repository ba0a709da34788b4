"""Windows of time in which several services throttle the whole account at once.

AWS limits calls per account and Region: who else runs in it may use them up, of Lambda's
concurrency too, and Bitbucket's hour is shared by all that call with the same credentials.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.simulation.choices import Choices

_FAULT = "throttled-together"
_SERVICES = ("dynamodb", "sqs", "events", "batch", "secretsmanager", "s3", "lambda", "bitbucket")
_FEWEST = 2
# How many of the calls are refused within one.
_ODDS = (0.4, 0.8, 0.95, 1.0)
# Seconds; some last longer than a message is tried, as outages do.
_USUAL, _LONG = (30.0, 1800.0), (18_000.0, 30_000.0)


@dataclass(frozen=True)
class Storm:
    """From when until when (true seconds) so many of the calls of these services are refused."""

    begins: float
    ends: float
    services: frozenset[str]
    odds: float


class Storms:
    """When the account is throttled; drawn once for a seed."""

    def __init__(self, choices: Choices, now: Callable[[], float], hostile: float) -> None:
        self._choices = choices
        self._now = now
        self._storms = list(self._drawn(hostile))

    @property
    def windows(self) -> list[tuple[float, float]]:
        """From when until when each of them lasts."""
        return [(one.begins, one.ends) for one in self._storms]

    def let(self, storm: Storm) -> None:
        """Let there be one more."""
        self._storms.append(storm)

    def throttle(self, service: str, what: str) -> bool:
        """Whether a call of a service is refused now; none is while it is `calm`."""
        return self.left(service, what) > 0

    def left(self, service: str, what: str) -> float:
        """The same, in seconds until it is over; 0: the call is not refused."""
        if not self._storms or self._choices.calm:
            return 0.0
        now = self._now()
        for one in self._storms:
            raging = service in one.services and one.begins <= now < one.ends
            if raging and self._choices.between(0, 1, f"storm {what}") < one.odds:
                return one.ends - now
        return 0.0

    def _drawn(self, hostile: float) -> Iterator[Storm]:
        choices = self._choices
        for number in ("first", "second"):
            if not choices.strikes(_FAULT, number):
                continue
            what = f"{number} storm"
            begins = self._now() + choices.between(0, hostile / 2, what)
            long = choices.between(0, 1, f"length of the {what}") < 0.1
            lasts = choices.between(*(_LONG if long else _USUAL), what)
            share = choices.among((0.3, 0.6, 1.0), f"share of the {what}")
            hit = [one for one in _SERVICES if choices.between(0, 1, f"{what} {one}") < share]
            services = frozenset(hit if len(hit) >= _FEWEST else _SERVICES)
            odds = choices.among(_ODDS, f"odds of the {what}")
            told = ", ".join(sorted(services))
            choices.tell(f"in {begins - self._now():.0f} s, for {lasts:.0f} s: {odds} of {told}")
            yield Storm(begins, begins + lasts, services, odds)
