"""A schedule that goes wrong is cut down to what it takes to go wrong."""

from tests.simulation.choices import Strike
from tests.simulation.shrinking import shrink
from tests.simulation.simulate import Outcome
from tests.simulation.violations import Violation

DECISIONS = 1000


class Schedule:
    """A fault at each tenth decision; it goes wrong where all of `needed` strike."""

    def __init__(self, *needed: int) -> None:
        self.needed = set(needed)
        self.runs = 0

    def __call__(
        self, seed: int, *, until: int | None = None, without: frozenset[int] = frozenset()
    ) -> Outcome:
        self.runs += 1
        last = DECISIONS if until is None else min(until, DECISIONS)
        faults = tuple(
            Strike(number=at, decision=at, fault="crash-after", what=f"call {at}")
            for at in range(10, last + 1, 10)
            if at not in without
        )
        wrong = self.needed <= {strike.number for strike in faults}
        name = "jobs" if wrong else "status"
        return Outcome(
            seed=seed,
            # Something else goes wrong at all times: that is another fault.
            violation=Violation(name, "two jobs"),
            steps=0,
            decisions=last,
            faults=faults,
            invocations=0,
            seconds_virtual=0,
        )


def test_what_is_left_is_the_faults_that_it_takes() -> None:
    schedule = Schedule(120, 340)

    shrunk = shrink(schedule(1), schedule)

    assert [strike.number for strike in shrunk.outcome.faults] == [120, 340]
    assert shrunk.until == 340
    again = schedule(1, until=shrunk.until, without=shrunk.without)
    assert again.violation is not None
    assert again.violation.name == "jobs"


def test_a_schedule_that_goes_wrong_without_any_fault_is_left_with_none() -> None:
    schedule = Schedule()

    shrunk = shrink(schedule(1), schedule)

    assert shrunk.outcome.faults == ()
    assert shrunk.until == 0


def test_shrinking_ends() -> None:
    schedule = Schedule(*range(10, 1000, 10))

    shrunk = shrink(schedule(1), schedule)

    assert len(shrunk.outcome.faults) == 99
    assert schedule.runs < 500
