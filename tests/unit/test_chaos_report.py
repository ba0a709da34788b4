"""The report of a storm tells what it was, and says so where it was none."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.evidence import Evidence
from tests.chaos.pushing import Pushed
from tests.chaos.report import Report
from tests.chaos.settling import Recovery
from tests.chaos.storm import Strike

KINDS = ("function", "job", "Batch", "Bitbucket")
STRIKES = tuple(Strike(kind, 1.0, "all of parser") for kind in KINDS)
RECOVERY = Recovery(redriven=Counter(), untold=1, unanswered=0, broken=(), quiet=True)


def _pushed(count: int) -> list[Pushed]:
    return [Pushed("acme/a", f"work-{n:03}", f"{n:040x}", None) for n in range(count)]


def _evidence(pushes: int) -> Evidence:
    return Evidence(
        pushed=_pushed(pushes),
        uuids={},
        records={},
        jobs={},
        statuses={},
        deliveries=[],
        heard={},
        messages={},
        leaks=[],
        searched=1,
    )


def _report(pushes: int, **other: Any) -> Report:
    told: dict[str, Any] = {
        "planned": pushes,
        "kinds": KINDS,
        "strikes": STRIKES,
        "away_seconds": {"Batch": 1.0, "Bitbucket": 2.0},
        "died_at_work": 3,
        "recovery": RECOVERY,
        "seen": _evidence(pushes),
        "verdicts": (),
    }
    return Report(**told | other)


def test_a_storm_with_every_kind_of_fault_is_no_problem() -> None:
    assert _report(200).problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_never_struck_is_a_problem(kind: str) -> None:
    others = [strike for strike in STRIKES if strike.fault != kind]

    assert _report(6, strikes=others).problems == [f"no {kind} was killed"]


def test_a_long_storm_that_cut_no_batch_off_is_a_problem_and_a_short_one_is_not() -> None:
    assert _report(99, died_at_work=0).problems == []
    assert _report(100, died_at_work=0).problems == [
        "no batch of messages was cut off by the death of a worker"
    ]


@pytest.mark.parametrize(("pushes", "allowed"), [(6, 3), (200, 20)])
def test_a_webhook_that_answered_too_few_pushes_is_a_problem(pushes: int, allowed: int) -> None:
    rare = replace(RECOVERY, untold=1, unanswered=allowed - 1)
    often = replace(RECOVERY, untold=1, unanswered=allowed)

    assert _report(pushes, recovery=rare).problems == []
    assert _report(pushes, recovery=often).problems == [
        f"{allowed + 1} of {pushes} pushes were never answered 202"
    ]


def test_a_push_that_was_planned_and_not_made_is_a_problem() -> None:
    assert _report(6, planned=7).problems == ["6 of 7 pushes were made"]


def test_what_has_not_become_quiet_is_a_problem() -> None:
    assert _report(6, recovery=replace(RECOVERY, quiet=False)).problems == [
        "it has not become quiet"
    ]


def test_the_sentence_counts_what_is_there_and_not_what_was_asked_for() -> None:
    shown = [{"writes": [{"state": "INPROGRESS"}, {"state": state}]} for state in ("FAILED",) * 2]
    fine = [{"writes": [{"state": "SUCCESSFUL"}]}]
    seen = replace(
        _evidence(5),
        jobs={("run-1", "1"): [{}, {}], ("run-2", "1"): [{}]},
        statuses={("acme/a", "a" * 40): shown, ("acme/a", "b" * 40): fine},
    )

    assert _report(6, seen=seen).sentence() == (
        "5 pushed, 0 records, 3 jobs; statuses: 2 FAILED, 1 SUCCESSFUL"
    )


def test_dead_letters_are_told_as_sent_back_or_dropped() -> None:
    recovery = replace(RECOVERY, redriven=Counter(statuses=4, undelivered=2))
    told = [line for line in _report(6, recovery=recovery).lines() if "dead letter" in line]

    assert [line.split()[2] for line in told] == ["6"]
    assert told[0].endswith(
        "sent back or, where they go nowhere, dropped; statuses 4, undelivered 2"
    )
