"""How far a sweep is: what has ended, how fast, and how long the rest will take."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cli.sweep.lines import Found, Line
from cli.sweep.waves import Ended, Verdict, Wave

# The pace is that of the latest results: machines come and go during a sweep.
_RECENT = 200


@dataclass(frozen=True)
class LineShot:
    """A target at one moment."""

    target: str | None
    size: int
    tally: Counter[Verdict]
    running: int
    waiting: int
    objective: str | None
    best: Found | None

    @property
    def done(self) -> int:
        """How many points have ended, in whichever way."""
        return self.tally.total()


@dataclass(frozen=True)
class Snapshot:
    """A sweep at one moment. `seconds_left` is a guess; None where there is no ground for one."""

    lines: tuple[LineShot, ...]
    machine_seconds: float
    seconds_left: float | None

    @property
    def size(self) -> int:
        """How many points there will be in all."""
        return sum(line.size for line in self.lines)

    @property
    def done(self) -> int:
        """How many points have ended."""
        return sum(line.done for line in self.lines)

    @property
    def failed(self) -> int:
        """How many points have failed."""
        return sum(line.tally["failed"] for line in self.lines)

    @property
    def running(self) -> int:
        """How many points are being worked on."""
        return sum(line.running for line in self.lines)


@dataclass
class Progress:
    """What was heard so far; `seconds` is the machine time of all waves, as they tell it."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    seconds: float = 0.0
    _recent: deque[datetime] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def hear(self, ended: Ended) -> None:
        """Take in how a point ended."""
        if ended.at is not None:
            self._recent.append(ended.at)

    def snapshot(self, lines: Sequence[Line], waves: Sequence[Wave]) -> Snapshot:
        """The sweep as it is now; `waves` are those that are not over."""
        running = Counter[int]()
        for wave in waves:
            running[wave.line] += wave.running
        shots = tuple(
            LineShot(
                target=line.plan.target,
                size=line.size,
                tally=Counter(line.tally),
                running=running[place],
                waiting=max(0, line.in_flight - running[place]),
                objective=line.plan.objective,
                best=line.best,
            )
            for place, line in enumerate(lines)
        )
        found = Snapshot(shots, self.seconds, None)
        return Snapshot(shots, self.seconds, self._left(found.size - found.done))

    def _left(self, points: int) -> float | None:
        if points <= 0 or len(self._recent) < 2:
            return None
        passed = (max(self.clock(), *self._recent) - min(self._recent)).total_seconds()
        return passed / (len(self._recent) - 1) * points if passed > 0 else None
