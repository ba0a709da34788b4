"""The one source of chance of a simulation, and which faults a seed knows of those in `kinds`.

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

from tests.simulation.kinds import KINDS, TOGETHER, Kind

T = TypeVar("T")

_MASK = (1 << 64) - 1
_UNIT = float(1 << 64)


# How many of the places that a kind may strike it strikes so many times as often as the others, and
# how often at most.
_FOCUSED = 0.05
_FOCUS = 10
_MOST_FOCUSED = 0.35


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
        for number, (share, odds) in enumerate(TOGETHER):
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
