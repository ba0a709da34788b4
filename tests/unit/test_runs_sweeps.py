"""How a sweep's record moves with what Batch says of its parent, and how it ends."""

from typing import Any

import pytest

from shared.batch_jobs import JobDetail
from shared.events import Asked, State, Sweep
from shared.following import follow
from shared.progress import progress
from shared.runs import Run, ask_stop
from tests.samples import NOW, a_job, a_run, described, ended_try, minutes

LATER = NOW + minutes(1)


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


def test_a_point_of_which_the_end_is_not_known_has_failed() -> None:
    after = follow(a_sweep(), parent("FAILED", SUCCEEDED=50, FAILED=3), LATER)

    assert after.reason == "10 of 60 points failed"


def test_a_parent_that_succeeded_need_not_be_counted() -> None:
    after = follow(a_sweep(), described("SUCCEEDED"), LATER)

    assert after.state == "succeeded"
    assert after.progress is not None
    assert after.progress.succeeded == 60


@pytest.mark.parametrize("array", [{}, {"size": 60}])
def test_a_parent_that_failed_and_is_not_counted_is_no_news(array: dict[str, int]) -> None:
    run = a_sweep()

    assert follow(run, described("FAILED", arrayProperties=array), LATER) is run


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
