"""The one source of chance of a simulation, and which faults a seed knows at all.

A seed enables some kinds of faults, each with odds of its own (swarm testing: Groce et al., ISSTA
2012), so that a seed with few kinds drives one of them far. Whether a fault strikes depends on the
seed, on what it would strike and on how often that was asked, not on what was asked before: so a
schedule from which one fault is taken away keeps the others, which is what shrinking lives on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

_MASK = (1 << 64) - 1
_UNIT = float(1 << 64)


@dataclass(frozen=True)
class Kind:
    """In how many of all seeds a kind of fault occurs, and with which odds, lowest and highest."""

    share: float
    low: float
    high: float


KINDS: dict[str, Kind] = {
    # Of functions, and of what they call.
    "crash-before": Kind(0.35, 0.002, 0.06),
    "crash-after": Kind(0.45, 0.002, 0.08),
    "slow": Kind(0.35, 0.005, 0.15),
    "throttled": Kind(0.35, 0.005, 0.25),
    "server-error": Kind(0.3, 0.005, 0.2),
    "unclear": Kind(0.35, 0.005, 0.2),
    "submitted-unclear": Kind(0.15, 0.05, 0.7),
    "stalled": Kind(0.3, 0.002, 0.05),
    "lands-late": Kind(0.2, 0.005, 0.08),
    "denied": Kind(0.15, 0.005, 0.1),
    "not-reached": Kind(0.25, 0.005, 0.2),
    "partial": Kind(0.25, 0.02, 0.3),
    "skew": Kind(0.5, 0.2, 1.0),
    "redeploy": Kind(0.3, 0.02, 0.2),
    "recycled": Kind(0.3, 0.01, 0.3),
    # Of queues and buses.
    "delivered-twice": Kind(0.4, 0.01, 0.3),
    "delayed": Kind(0.4, 0.01, 0.3),
    "reordered": Kind(0.4, 0.05, 0.5),
    "delete-lost": Kind(0.3, 0.01, 0.2),
    "event-lost": Kind(0.3, 0.02, 0.4),
    "event-twice": Kind(0.35, 0.02, 0.4),
    # Of what is read.
    "list-lag": Kind(0.5, 0.1, 1.0),
    "list-lag-beyond": Kind(0.1, 0.3, 1.0),
    "empty-page": Kind(0.3, 0.1, 0.6),
    "index-lag": Kind(0.3, 0.05, 0.8),
    "eventual-read": Kind(0.4, 0.1, 0.8),
    # Of Bitbucket.
    "http-429": Kind(0.3, 0.01, 0.3),
    "http-500": Kind(0.25, 0.01, 0.2),
    "http-502": Kind(0.2, 0.01, 0.2),
    "http-unclear": Kind(0.3, 0.01, 0.2),
    "http-slow": Kind(0.3, 0.01, 0.2),
    "http-lands-late": Kind(0.2, 0.02, 0.3),
    "http-401": Kind(0.15, 0.01, 0.1),
    "commit-gone": Kind(0.1, 0.05, 0.3),
    # Of Batch and of people.
    "spot": Kind(0.3, 0.05, 0.5),
    "job-fails": Kind(0.4, 0.1, 0.6),
    "webhook-twice": Kind(0.3, 0.1, 0.6),
    "stop": Kind(0.3, 0.1, 0.7),
    "rerun": Kind(0.3, 0.1, 0.7),
    "forged": Kind(0.2, 0.2, 0.8),
    "replayed": Kind(0.2, 0.2, 0.8),
    "foreign": Kind(0.1, 0.3, 1.0),
    "foreign-job": Kind(0.2, 0.2, 0.8),
    "command": Kind(0.3, 0.5, 1.0),
    "no-definition": Kind(0.15, 0.3, 1.0),
    "hook-rotated": Kind(0.15, 1.0, 1.0),
    "many-branches": Kind(0.1, 0.1, 0.6),
    "answer-lost": Kind(0.3, 0.05, 0.4),
    "queue-blocked": Kind(0.25, 0.1, 0.6),
    "time-limit": Kind(0.15, 0.03, 0.3),
    "ended-outside": Kind(0.15, 0.05, 0.4),
    "job-unheard": Kind(0.2, 0.1, 0.8),
    "job-forgotten": Kind(0.15, 0.1, 0.6),
    # A window in which every call to a service fails.
    "outage-dynamodb": Kind(0.03, 1.0, 1.0),
    "outage-sqs": Kind(0.03, 1.0, 1.0),
    "outage-events": Kind(0.03, 1.0, 1.0),
    "outage-batch": Kind(0.03, 1.0, 1.0),
    "outage-bitbucket": Kind(0.04, 1.0, 1.0),
    "outage-secretsmanager": Kind(0.03, 1.0, 1.0),
}
# How many of the places that a kind may strike it strikes so many times as often as the others, and
# how often at most.
_FOCUSED = 0.05
_FOCUS = 10
_MOST_FOCUSED = 0.35
# Some do harm only together: with these odds, in so many of all seeds.
_TOGETHER: tuple[tuple[float, dict[str, float]], ...] = (
    # A second job is begun for an attempt of whose first nothing is heard in time.
    (0.05, {"list-lag-beyond": 1.0, "submitted-unclear": 0.6, "event-lost": 0.5}),
    # The same where ListJobs is as far behind as it may be: no second job is begun.
    (
        0.05,
        {
            "list-lag": 1.0,
            "submitted-unclear": 0.6,
            "event-lost": 0.5,
            "lands-late": 0.1,
            "list-lag-beyond": 0,
        },
    ),
    # Whoever takes over the lease alone can find the job, and fails at that.
    (0.05, {"submitted-unclear": 0.5, "job-unheard": 0.7, "throttled": 0.5, "list-lag-beyond": 0}),
)


@dataclass(frozen=True)
class Strike:
    """A fault that struck; `number` names it in every schedule of the seed."""

    number: int
    decision: int
    fault: str
    what: str

    @property
    def place(self) -> int:
        """Names all faults of this kind at this place, in every schedule of any seed."""
        return _place(f"{self.fault} {self.what}")


class Choices:
    """All chance of one simulation.

    With `until`, no fault strikes after the decision of that number; those whose number, or place,
    is in `without` do not strike at all. Choices that are no faults (`among`, `between`) stay as
    they are.
    """

    def __init__(
        self, seed: int, *, until: int | None = None, without: frozenset[int] = frozenset()
    ) -> None:
        self.seed = seed
        self.calm = False
        self.decisions = 0
        self.struck: list[Strike] = []
        self.on_strike: Callable[[Strike], None] = lambda _strike: None
        self.on_told: Callable[[str], None] = lambda _text: None
        self._until = until
        self._without = without
        self._salt = _mixed(seed)
        self._asked: dict[str, int] = {}
        self._profile: dict[str, float] = {}
        self._odds: dict[str, float] = {}
        for fault, kind in KINDS.items():
            self._profile[fault] = self._odds_of(fault, kind)
        for number, (share, odds) in enumerate(_TOGETHER):
            if self._number(f"together {number}") / _UNIT < share:
                self._profile |= odds

    @property
    def profile(self) -> Mapping[str, float]:
        """Each kind of fault that this seed knows, with its odds."""
        return {fault: odds for fault, odds in self._profile.items() if odds}

    def strikes(self, fault: str, what: str) -> bool:
        """Whether a fault of this kind strikes `what` now; never once it is `calm`.

        `what` is who is struck and where, as a reader of the schedule wants it.

        Raises:
            KeyError: there is no such kind.

        """
        if self.calm:
            return False
        known = self._profile[fault]
        if not known:
            return False
        self.decisions += 1
        key = f"{fault} {what}"
        odds = self._odds.get(key)
        if odds is None:
            odds = self._odds[key] = self._focused(key, known)
        number = self._number(key)
        if number / _UNIT >= odds:
            return False
        number >>= 32
        if number in self._without or (self._without and _place(key) in self._without):
            return False
        if self._until is not None and self.decisions > self._until:
            return False
        strike = Strike(number, self.decisions, fault, what)
        self.struck.append(strike)
        self.on_strike(strike)
        return True

    def has_struck(self, fault: str, what: str) -> bool:
        """Whether a fault of this kind has struck `what` before."""
        return any((strike.fault, strike.what) == (fault, what) for strike in self.struck)

    def among(self, options: Sequence[T], what: str = "") -> T:
        """One of `options`; `what` is chosen keeps its choice in a schedule that lacks faults."""
        return options[self._number(f"among {what}") * len(options) >> 64]

    def between(self, low: float, high: float, what: str = "") -> float:
        """A number from `low` to `high`; of `what`, as above."""
        return low + (high - low) * (self._number(f"between {what}") / _UNIT)

    def seconds(self, low: float, high: float, what: str = "") -> float:
        """A number as `between` gives it: how long the fault lasts that has just struck."""
        drawn = self.between(low, high, what)
        self.tell(f"{drawn:.1f} s")
        return drawn

    def tell(self, text: str) -> None:
        """Say more of the fault that has just struck: it stands beside it in the schedule."""
        self.on_told(text)

    def random(self, what: str) -> Random:
        """A generator of its own for code that wants one."""
        return Random(self._number(f"random {what}"))

    def _odds_of(self, fault: str, kind: Kind) -> float:
        enabled = self._number(f"enabled {fault}") / _UNIT < kind.share
        # Most odds are low, some are high.
        scale = (kind.high / kind.low) ** (self._number(f"odds {fault}") / _UNIT)
        return kind.low * scale if enabled else 0.0

    def _focused(self, key: str, odds: float) -> float:
        """The odds for one place: a few places are struck far more often than all others."""
        if self._number(f"focus {key}") / _UNIT < _FOCUSED:
            return min(odds * _FOCUS, max(odds, _MOST_FOCUSED))
        return odds

    def _number(self, key: str) -> int:
        """64 bits of chance: the seed's, for the n-th time that `key` is asked."""
        times = self._asked.get(key, 0)
        self._asked[key] = times + 1
        # `hash` of a text differs in each process.
        return _mixed(self._salt ^ (crc32(key.encode()) << 32 | times))


def _place(key: str) -> int:
    # Beyond the numbers of single faults.
    return 1 << 32 | crc32(key.encode())


def _mixed(number: int) -> int:
    """All 64 bits depend on all bits of `number`: the finalizer of SplitMix64 (Steele, 2014)."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & _MASK
    return number ^ (number >> 31)
