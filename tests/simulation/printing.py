"""What a person reads: a schedule line by line, and the summary of many seeds."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.simulation.kinds import KINDS
from tests.simulation.legend import LEGEND
from tests.simulation.simulate import Outcome

_WIDTH = 100


def schedule(outcome: Outcome, *, left_out: int = 0) -> Iterator[str]:
    """A seed's schedule: what happened at which virtual second, the faults, and the end."""
    yield f"{'second':>11}  {'who':<14} what"
    yield from outcome.lines
    yield ""
    yield f"seed {outcome.seed}: {len(outcome.faults)} faults, {outcome.invocations} invocations"
    if left_out:
        yield f"({left_out} faults of the seed are left out: it goes wrong without them)"
    struck = Counter(strike.fault for strike in outcome.faults)
    for fault, times in sorted(struck.items()):
        yield f"{times:>5} {fault:<21} {LEGEND[fault]}"
    if outcome.violation is None:
        yield "no violation"
    else:
        yield f"VIOLATION of {outcome.violation.name}: {outcome.violation.text}"
    yield f"make simulate SEED={outcome.seed}"


class Summary:
    """What many seeds did, added up."""

    def __init__(self) -> None:
        self.seeds = 0
        self.violations: list[Outcome] = []
        self._steps = 0
        self._hours = 0.0
        self._faults: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count one more seed."""
        self.seeds += 1
        self._steps += outcome.steps
        self._hours += outcome.seconds_virtual / 3600
        self._faults.update(strike.fault for strike in outcome.faults)
        self._counts.update(outcome.counts)
        if outcome.violation is not None:
            self.violations.append(outcome)

    def lines(self, seconds: float) -> Iterator[str]:
        """The summary; `seconds` is how long all of it took."""
        rate = seconds and self.seeds / seconds
        yield f"{self.seeds} seeds in {seconds:.0f} s ({rate:.0f} a second)"
        yield f"{self._hours:.0f} hours of virtual time, {self._steps} steps"
        yield "what happened:"
        yield from _columns(self._counts)
        yield f"{self._faults.total()} faults:"
        yield from _columns(self._faults)
        never = sorted(set(KINDS) - set(self._faults))
        if never:
            yield f"never struck: {', '.join(never)}"
        yield f"{len(self.violations)} violations"
        for outcome in self.violations:
            assert outcome.violation is not None
            yield f"  seed {outcome.seed}: {outcome.violation.name}: {outcome.violation.text}"


def _columns(counts: Counter[str]) -> Iterator[str]:
    """Two of them side by side, in the order of their names."""
    texts = [f"{count:>9} {name}" for name, count in sorted(counts.items())]
    half = (len(texts) + 1) // 2
    for left, right in _pairs(texts, half):
        yield f"{left:<{_WIDTH // 2}}{right}".rstrip()


def _pairs(texts: list[str], half: int) -> Iterable[tuple[str, str]]:
    return zip(texts[:half], [*texts[half:], ""], strict=False)
