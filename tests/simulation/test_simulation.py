"""A few hundred hostile schedules of each run of the suite; `make simulate` runs thousands."""

from collections import Counter
from datetime import datetime
from unittest import mock

import pytest

from services.submitter import submission
from shared.events import Job
from shared.runs import Run
from tests.simulation.printing import schedule
from tests.simulation.shrinking import shrink
from tests.simulation.simulate import Outcome, simulate

# About 15 s of one core.
SEEDS = 300
_AT_ONCE = 50


@pytest.mark.parametrize("first", range(1, SEEDS, _AT_ONCE))
def test_nothing_is_lost_and_nothing_doubled_in_hostile_schedules(first: int) -> None:
    outcomes = [simulate(seed) for seed in range(first, first + _AT_ONCE)]

    wrong = [f"seed {one.seed}: {one.violation}" for one in outcomes if one.violation]
    assert wrong == []
    # A simulation in which little happens shows little.
    happened = sum((Counter(one.counts) for one in outcomes), Counter[str]())
    assert happened["jobs"] > _AT_ONCE / 2
    assert happened["messages delivered again"] > _AT_ONCE
    assert happened["functions cut off"] > _AT_ONCE / 2


def test_a_second_job_that_only_a_dead_letter_tells_of_is_ended_by_redriving_it() -> None:
    # Here the queue of Batch's events took nothing while some second jobs said all they ever say.
    outcome = simulate(3999)

    assert outcome.violation is None
    assert outcome.counts["targets that refuse"]
    assert outcome.counts["second jobs of an attempt"]
    assert outcome.counts["dead letters redriven"]
    assert outcome.counts["jobs terminated"]


def test_a_seed_has_one_schedule() -> None:
    first, second = simulate(11, trace=True), simulate(11, trace=True)

    assert first == second
    assert len(first.lines) > 50
    assert simulate(12, trace=True).lines != first.lines


def a_claim_without_a_lease(run: Run, attempt: int, job: Job, now: datetime, _seconds: int) -> Run:
    """Claims an attempt although another submitter is at it."""
    if run.attempt != attempt or run.state != "requested":
        return run
    return run.changed(job=run.job or job, lease_until=now, updated_at=now)


@pytest.fixture(scope="module")
def found() -> Outcome:
    """What the simulation finds in a product whose submitters ignore each other's leases."""
    with mock.patch.object(submission, "claim", a_claim_without_a_lease):
        for seed in range(1, 400):
            outcome = simulate(seed)
            if outcome.violation is not None:
                return outcome
    pytest.fail("a lease that is ignored was not found")


def test_a_planted_fault_is_found_and_its_schedule_shrinks(found: Outcome) -> None:
    with mock.patch.object(submission, "claim", a_claim_without_a_lease):
        shrunk = shrink(found)
        again = simulate(found.seed, until=shrunk.until, without=shrunk.without, trace=True)

    assert found.violation is not None
    assert again.violation is not None
    assert again.violation.name == found.violation.name
    assert len(again.faults) < min(12, len(found.faults))
    lines = list(schedule(again))
    assert f"VIOLATION of {again.violation.name}: {again.violation.text}" in lines
    assert lines[-1] == f"make simulate SEED={found.seed}"


def test_without_the_planted_fault_the_same_seed_passes(found: Outcome) -> None:
    assert simulate(found.seed).violation is None
