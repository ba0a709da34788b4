"""The machine time of a wave, from what can be known of it.

Each try of a point that leaves a result says how long it took. What still runs has said nothing
yet, and a point that is lost never will: for these there is only how many points Batch has called
RUNNING from one look to the next, and how long the wave has lasted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class MachineTime:
    """Seconds of machine time, summed over the points of a wave.

    `told` are those of results, `lost` those of points without one. `seen` is what was looked at:
    the number of points that ran, times how long. `most` is how many ran at once.
    """

    told: float = 0.0
    lost: float = 0.0
    seen: float = 0.0
    most: int = 0
    _keys: set[str] = field(default_factory=set)
    _looked: tuple[datetime, int] | None = None

    @property
    def seconds(self) -> float:
        """All of it: `seen` holds what runs as well, and so may be more than what was told."""
        return max(self.told + self.lost, self.seen)

    def tell(self, key: str, seconds: float) -> None:
        """Take in the result of a try, seen before or not."""
        if key not in self._keys:
            self._keys.add(key)
            self.told += seconds

    def look(self, running: int, now: datetime) -> None:
        """Take in how many points run now.

        Of this look and the one before the smaller number counts: whoever looks again after hours
        of sleep has not seen that all of these ran all the time.
        """
        if self._looked is not None:
            before, ran = self._looked
            self.seen += min(running, ran) * (now - before).total_seconds()
        self.most = max(self.most, running)
        self._looked = now, running

    def of_lost(self, points: int, span_seconds: float, *, stopped: bool) -> float:
        """What each of the points counts that has left nothing, now that the wave is over.

        One that failed may have taken `span_seconds`, as far as there was room for all of them
        beside the others. One that was stopped may never have begun: it counts as was seen.
        """
        if points == 0:
            return 0.0
        if stopped:
            total = max(0.0, self.seen - self.told)
        else:
            room = span_seconds * (self.most or points) - self.told
            total = max(0.0, min(points * span_seconds, room))
        self.lost += total
        return total / points


def spent(costs: Iterable[MachineTime]) -> float:
    """The machine time of several waves, in seconds."""
    return sum(cost.seconds for cost in costs)
