"""What a storm is judged by sees each kind of damage that it is there for."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local.aws import REGION
from services.notifier.statuses import Links, status
from shared.events import Asked, Job, Repository
from shared.runs import Run, commit_run_id
from tests.chaos import invariants
from tests.chaos.evidence import Evidence
from tests.chaos.hearing import Heard
from tests.chaos.invariants import heard_of, verdicts
from tests.chaos.pushing import Pushed
from tests.e2e.world import NAMES

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
UUID = "{11111111-1111-4111-8111-111111111111}"
PUSHED = Pushed("acme/a", "work-001", "a" * 40, ("notes-001", "b" * 40))
RUN_ID = commit_run_id(NAMES.stack, UUID, PUSHED.branch, PUSHED.commit)
RUN = Run(
    run_id=RUN_ID,
    version=5,
    state="failed",
    reason="exit code 3",
    exit_code=3,
    repository=Repository(uuid=UUID, full_name=PUSHED.repository),
    branch=PUSHED.branch,
    commit=PUSHED.commit,
    asked=Asked(),
    job=Job(name="job", queue="queue", definition="definition", id="job-1"),
    created_at=NOW,
    requested_at=NOW,
    updated_at=NOW,
)
JOB: dict[str, Any] = {"jobId": "job-1", "status": "FAILED", "container": {"exitCode": 3}}


def _shown(run: Run) -> list[dict[str, Any]]:
    told = status(run, Links(REGION), NAMES.stack)
    return [{"key": told["key"], "refname": told["refname"], "writes": [told]}]


WHOLE = Evidence(
    pushed=[PUSHED],
    uuids={PUSHED.repository: UUID},
    records={RUN_ID: RUN},
    jobs={(RUN_ID, "1"): [JOB]},
    statuses={(PUSHED.repository, PUSHED.commit): _shown(RUN)},
    deliveries=[],
    heard={RUN_ID: Heard(5, "failed")},
    messages={"pushes": 0, "pushes-dlq": 0},
    leaks=[],
    searched=10,
)


def _wrong(seen: Evidence) -> set[str]:
    return {one.what for one in verdicts(seen) if one.wrong}


def test_a_stack_at_which_all_is_well_is_found_well() -> None:
    assert _wrong(WHOLE) == set()
    assert all(one.looked_at for one in verdicts(WHOLE))


@pytest.mark.parametrize(
    ("damage", "seen_by"),
    [
        (
            {"records": {}, "jobs": {}},
            {"pushes that have a record"},
        ),
        ({"pushed": []}, {"records that have a push"}),
        (
            {"jobs": {}},
            {
                "records that have exactly one job per attempt",
                "records that say how their job ended",
            },
        ),
        (
            {"jobs": {(RUN_ID, "1"): [JOB, JOB | {"jobId": "job-2"}]}},
            {
                "records that have exactly one job per attempt",
                "jobs that are their run's, and have ended",
                "records that say how their job ended",
            },
        ),
        (
            {"jobs": {(RUN_ID, "1"): [JOB | {"status": "SUCCEEDED"}]}},
            {"records that say how their job ended"},
        ),
        (
            {
                "statuses": {
                    (PUSHED.repository, PUSHED.commit): _shown(RUN.changed(state="running"))
                }
            },
            {
                "statuses that say what the record says",
                "statuses that tell success, failure and exit code",
            },
        ),
        (
            {"statuses": {}},
            {
                "statuses that say what the record says",
                "statuses that tell success, failure and exit code",
            },
        ),
        (
            {
                "statuses": {
                    (PUSHED.repository, PUSHED.commit): _shown(RUN),
                    (PUSHED.repository, "b" * 40): _shown(RUN),
                }
            },
            {"commits that asked for nothing, and got nothing"},
        ),
        (
            {"heard": {RUN_ID: Heard(4, "running")}},
            {"records whose newest version was on the bus"},
        ),
        (
            {"messages": {"pushes": 0, "pushes-dlq": 1}},
            {"queues that are empty, those of dead letters too"},
        ),
        ({"leaks": ["logs/aws.log"]}, {"logs, events and records without a secret"}),
    ],
)
def test_damage_is_seen(damage: dict[str, Any], seen_by: set[str]) -> None:
    assert _wrong(replace(WHOLE, **damage)) == seen_by


@pytest.mark.parametrize(
    "told",
    [{"state": "SUCCESSFUL"}, {"description": "failed: no reason given"}],
)
def test_a_status_is_judged_without_the_words_of_the_service_that_wrote_it(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    lie = status(RUN, Links(REGION), NAMES.stack) | told
    monkeypatch.setattr(invariants, "status", lambda run, links, stack: lie)
    shown = [{"key": lie["key"], "refname": lie["refname"], "writes": [lie]}]
    seen = replace(WHOLE, statuses={(PUSHED.repository, PUSHED.commit): shown})

    assert _wrong(seen) == {"statuses that tell success, failure and exit code"}


def test_the_promise_begins_with_202_and_with_nothing_else() -> None:
    answered = {"heads": [PUSHED.commit], "status": 202}

    assert heard_of(PUSHED, [answered | {"status": 502}, answered])
    assert not heard_of(PUSHED, [answered | {"status": 502}, answered | {"status": None}])
    assert not heard_of(PUSHED, [answered | {"heads": ["c" * 40]}])
