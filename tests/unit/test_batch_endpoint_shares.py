"""Whose turn it is: lines, shares and their weights."""

from collections import Counter
from dataclasses import dataclass

import pytest
from pydantic import JsonValue

from local.batch.errors import ClientException
from local.batch.jobs import Job
from local.batch.lines import Line, Lines, line_of
from local.batch.policies import FairShare
from local.batch.queue_requests import CreateSchedulingPolicy
from local.batch.requests import parse
from local.batch.shapes import Container
from local.batch.shares import Usage

COMMITS, SWEEP = Line("q", "commits"), Line("q", "sweep4f2a")
POLICY = FairShare.model_validate(
    {
        "shareDecaySeconds": 3600,
        "shareDistribution": [
            {"shareIdentifier": "commits", "weightFactor": 1},
            {"shareIdentifier": "sweep*", "weightFactor": 4},
        ],
    }
)


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def a_job(job_id: str, share: str | None = None, priority: int | None = None) -> Job:
    return Job(
        job_arn=f"arn:{job_id}",
        job_name="j",
        job_id=job_id,
        job_queue="q",
        job_definition="d:1",
        created_at=1,
        container=Container(),
        share_identifier=share,
        scheduling_priority=priority,
    )


def taken(lines: Lines, jobs: dict[str, Job]) -> list[str]:
    """The ids of the jobs of the only line in the order of their turns."""
    turns = []
    while found := list(lines):
        turns.append(lines.first(found[0]).job_id)
        lines.leave(jobs[turns[-1]])
    return turns


def test_a_line_goes_by_priority_and_then_by_coming() -> None:
    jobs = {
        name: a_job(name, "s", priority)
        for name, priority in (("a", None), ("b", 5), ("c", 0), ("d", 5))
    }
    lines = Lines()
    for job in jobs.values():
        lines.join(job)

    assert taken(lines, jobs) == ["b", "d", "a", "c"]


def test_who_goes_ahead_has_the_number_of_whom_it_overtakes() -> None:
    lines = Lines()
    lines.join(a_job("a"))
    lines.join(a_job("b"), ahead=True)
    lines.join(a_job("c", share="s"))
    first, other = lines.first(Line("q", None)), lines.first(Line("q", "s"))

    assert first.job_id == "b"
    assert first.number < other.number


def test_who_is_in_a_line_stays_where_it_is_and_who_is_not_leaves_nothing() -> None:
    lines, jobs = Lines(), {name: a_job(name) for name in ("a", "b")}
    for name in ("a", "b", "a"):
        lines.join(jobs[name])
    lines.leave(a_job("stranger", share="s"))
    lines.leave(a_job("stranger"))

    assert taken(lines, jobs) == ["a", "b"]
    assert list(lines) == []


def test_a_share_that_comes_new_is_before_one_that_runs() -> None:
    usage = Usage(Clock())
    usage.begin(SWEEP)

    assert usage.weighted(COMMITS, POLICY) < usage.weighted(SWEEP, POLICY)


def test_a_share_that_comes_new_is_before_one_that_has_the_only_slot_again_and_again() -> None:
    clock = Clock()
    usage = Usage(clock)
    for _ in range(10):
        began = usage.begin(SWEEP)
        clock.now += 30
        usage.end(SWEEP, began, POLICY)

    assert usage.weighted(COMMITS, POLICY) == 0 < usage.weighted(SWEEP, POLICY)


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_a_share_of_weight_4_gets_a_fourth_of_what_one_of_weight_1_gets(slots: int) -> None:
    clock = Clock()
    usage = Usage(clock)
    shares: Counter[Line] = Counter()
    running: list[tuple[Line, float]] = []
    for _ in range(500):
        while len(running) < slots:
            line = min((COMMITS, SWEEP), key=lambda one: usage.weighted(one, POLICY))
            running.append((line, usage.begin(line)))
            shares[line] += 1
        clock.now += 60 / slots
        line, began = running.pop(0)
        usage.end(line, began, POLICY)

    assert shares[COMMITS] / shares[SWEEP] == pytest.approx(4, rel=0.15)


def test_what_was_used_long_ago_counts_no_longer() -> None:
    clock = Clock()
    usage = Usage(clock)
    began = usage.begin(COMMITS)
    clock.now = 600
    usage.end(COMMITS, began, POLICY)
    fresh = usage.weighted(COMMITS, POLICY)
    clock.now += 10 * 3600

    assert usage.weighted(COMMITS, POLICY) < fresh / 10_000


def test_shares_that_no_policy_names_weigh_1_and_use_counts_for_ten_minutes() -> None:
    assert FairShare().weight("anybody") == 1
    assert FairShare(share_decay_seconds=0).decay_seconds == 600


@pytest.mark.parametrize(
    "wrong",
    [
        {"shareDecaySeconds": 604_801},
        {"computeReservation": 100},
        {"shareDistribution": [{"shareIdentifier": "commits", "weightFactor": 0}]},
        {"shareDistribution": [{"weightFactor": 1}]},
    ],
)
def test_a_policy_keeps_batchs_limits(wrong: JsonValue) -> None:
    with pytest.raises(ClientException, match="fairsharePolicy"):
        parse(CreateSchedulingPolicy, {"name": "shares", "fairsharePolicy": wrong})


def test_a_job_waits_with_its_queue_and_share() -> None:
    assert line_of(a_job("a", share="commits")) == COMMITS
