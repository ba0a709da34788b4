"""How a sweep's record moves with what Batch says of its parent, and how it ends."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.batch_jobs import JobDetail
from shared.events import Asked, State, Sweep
from shared.following import follow, point_waits
from shared.progress import progress
from shared.runs import Run, ask_stop
from tests.samples import NOW, a_job, a_run, described, ended_try, minutes

LATER = NOW + minutes(1)
DAY = timedelta(days=1)


def a_sweep(size: int = 60, tolerated: int = 0, **changes: Any) -> Run:
    sweep = Sweep(sweep_id="s1", size=size, tolerated_percent=tolerated)
    given = {"state": "submitted", "job": a_job(job_id="job-1"), "asked": Asked(sweep=sweep)}
    return a_run(**{**given, **changes})


def parent(status: str = "PENDING", /, *, fields: Any = None, **counts: int) -> JobDetail:
    array = {"size": 60, "statusSummary": counts}
    return described(status, arrayProperties=array, **(fields or {}))


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({"PENDING": 60}, "submitted"),
        ({"RUNNABLE": 50, "STARTING": 10}, "submitted"),
        ({"RUNNABLE": 59, "RUNNING": 1}, "running"),
        ({"RUNNABLE": 59, "SUCCEEDED": 1}, "running"),
        ({"RUNNABLE": 59, "FAILED": 1}, "running"),
    ],
)
def test_a_sweep_runs_as_soon_as_one_of_its_points_has_begun(
    counts: dict[str, int], state: State
) -> None:
    after = follow(a_sweep(), parent(**counts), LATER)

    assert after.state == state
    assert after.started_at == (LATER if state == "running" else None)


def test_a_sweep_whose_points_all_wait_again_still_runs() -> None:
    running = follow(a_sweep(), parent(RUNNING=60), LATER)

    assert follow(running, parent(RUNNABLE=60), LATER + minutes(1)) is running


@pytest.mark.parametrize(
    ("failed", "tolerated", "ends"),
    [
        (1, 0, ("failed", "1 of 60 points failed")),
        (3, 5, ("succeeded", None)),
        (4, 5, ("failed", "4 of 60 points failed: more than the 5 % that are tolerated")),
        (60, 100, ("succeeded", None)),
        (60, 99, ("failed", "60 of 60 points failed: more than the 99 % that are tolerated")),
    ],
)
def test_a_sweep_fails_by_the_share_of_its_points_that_failed(
    failed: int, tolerated: int, ends: tuple[State, str | None]
) -> None:
    job = parent("FAILED", SUCCEEDED=60 - failed, FAILED=failed)
    after = follow(a_sweep(tolerated=tolerated), job, LATER)

    assert (after.state, after.reason) == ends
    assert after.progress is not None
    assert (after.progress.succeeded, after.progress.failed) == (60 - failed, failed)


NOT_TO_THE_END: list[dict[str, int]] = [
    {},
    {"FAILED": 1},
    {"SUCCEEDED": 50, "RUNNING": 9, "FAILED": 1},
    {"SUCCEEDED": 60, "FAILED": 1},
]


@pytest.mark.parametrize("counts", NOT_TO_THE_END)
def test_a_count_that_is_not_of_the_end_ends_no_sweep(counts: dict[str, int]) -> None:
    run = parent_progress(follow(a_sweep(), parent(SUCCEEDED=40, RUNNING=20), LATER))
    ended = {"stoppedAt": milliseconds(LATER)}
    job = parent("FAILED", fields=ended, **counts)

    assert follow(run, job, LATER) is run
    assert follow(run, parent("FAILED", **counts), LATER + DAY) is run
    assert progress(run, job, LATER) == run.progress

    true = parent("FAILED", fields=ended, SUCCEEDED=59, FAILED=1)

    assert follow(run, true, LATER).reason == "1 of 60 points failed"


def test_a_point_of_which_the_end_is_not_known_a_day_later_has_failed() -> None:
    ended = {"stoppedAt": milliseconds(LATER)}
    job = parent("FAILED", fields=ended, SUCCEEDED=50, FAILED=3, RUNNING=1)
    run = a_sweep()

    assert follow(run, job, LATER + DAY - minutes(1)) is run
    assert follow(run, job, LATER + DAY).reason == "10 of 60 points failed"


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_a_parent_that_succeeded_need_not_be_counted() -> None:
    after = follow(a_sweep(), described("SUCCEEDED"), LATER)

    assert after.state == "succeeded"
    assert after.progress is not None
    assert after.progress.succeeded == 60


@pytest.mark.parametrize("array", [{}, {"size": 60}])
def test_a_parent_that_failed_and_is_not_counted_is_no_news(array: dict[str, int]) -> None:
    run = a_sweep()

    assert follow(run, described("FAILED", arrayProperties=array), LATER) is run


def test_a_stop_waits_for_a_count_but_not_for_that_of_the_end() -> None:
    run = ask_stop(a_sweep(), "Someone", "too slow", NOW)

    assert follow(run, parent("FAILED"), LATER) is run
    assert follow(run, parent("FAILED", SUCCEEDED=1, RUNNING=5), LATER).state == "stopped"


@pytest.mark.parametrize("tolerated", [0, 100])
def test_a_sweep_that_was_to_stop_is_stopped(tolerated: int) -> None:
    run = ask_stop(a_sweep(tolerated=tolerated), "Someone", "too slow", NOW)
    after = follow(run, parent("FAILED", SUCCEEDED=9, FAILED=51), LATER)

    assert (after.state, after.reason) == ("stopped", "stopped by Someone: too slow")


@pytest.mark.parametrize("tolerated", [0, 100])
def test_a_sweep_that_was_terminated_by_others_is_stopped(tolerated: int) -> None:
    ended = {"isTerminated": True, "statusReason": "enough"}
    job = parent("FAILED", fields=ended, SUCCEEDED=9, FAILED=51)
    after = follow(a_sweep(tolerated=tolerated), job, LATER)

    assert (after.state, after.reason) == ("stopped", "stopped from outside: enough")


def test_an_only_point_fails_for_its_own_reason() -> None:
    job = described("FAILED", attempts=[ended_try(exitCode=3)])
    after = follow(a_sweep(size=1), job, LATER)

    assert (after.state, after.reason, after.exit_code) == ("failed", "exit code 3", 3)
    assert after.progress is not None
    assert after.progress.failed == 1


def test_an_only_point_that_may_fail_has_not_failed_the_sweep() -> None:
    job = described("FAILED", attempts=[ended_try(exitCode=3)])

    assert follow(a_sweep(size=1, tolerated=100), job, LATER).state == "succeeded"


def test_what_is_known_of_the_results_outlives_the_end() -> None:
    run = follow(a_sweep(), parent(SUCCEEDED=59, RUNNING=1), LATER)
    known = parent_progress(run, best="0.9", seen="key")
    after = follow(known, parent("SUCCEEDED", SUCCEEDED=60), LATER + minutes(1))

    assert after.progress is not None
    assert (after.progress.best, after.progress.seen, after.progress.looked_at) == (
        *("0.9", "key"),
        LATER,
    )


def parent_progress(run: Run, **known: str) -> Run:
    count = progress(run, parent(RUNNING=60), LATER)
    assert count is not None
    return run.changed(progress=count.model_copy(update=known))


WAITS = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none"


def child(**fields: Any) -> JobDetail:
    given = {"job_id": "job-1:3", "arrayProperties": {"index": 3}, "statusReason": WAITS}
    return described("RUNNABLE", **{**given, **fields})


def test_why_a_point_waits_is_shown_once_it_has_lasted_ten_minutes() -> None:
    first = point_waits(a_sweep(), child(), NOW)
    looked = follow(first, parent(RUNNABLE=60), NOW + minutes(5))
    later = follow(looked, parent(RUNNABLE=60), NOW + minutes(10))

    assert first.blocked is not None
    assert (first.blocked.reason, first.blocked.shown) == (WAITS, False)
    assert later.blocked is not None
    assert (later.blocked.since, later.blocked.shown) == (NOW, True)
    assert (first.state, first.job, first.progress) == (a_sweep().state, a_sweep().job, None)


def test_a_point_that_starts_ends_the_waiting() -> None:
    waits = point_waits(a_sweep(), child(), NOW)

    assert follow(waits, parent(RUNNABLE=59, STARTING=1), NOW + minutes(11)).blocked is None
    assert follow(waits, parent(RUNNABLE=59, RUNNING=1), NOW + minutes(11)).blocked is None


@pytest.mark.parametrize(
    "other",
    [
        child(job_id="job-2:3"),
        child(attempt=2),
        child(jobName="somebody-elses"),
        child(statusReason=None),
    ],
)
def test_a_child_that_is_not_the_sweeps_or_has_no_reason_changes_nothing(other: JobDetail) -> None:
    run = a_sweep()

    assert point_waits(run, other, NOW) is run


def test_a_child_says_nothing_of_a_sweep_that_is_over() -> None:
    over = follow(a_sweep(), parent("SUCCEEDED", SUCCEEDED=60), NOW)

    assert point_waits(over, child(), LATER) is over
