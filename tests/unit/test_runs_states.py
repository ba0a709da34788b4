"""How a run's record moves: every state against everything that Batch or a person may say."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch_jobs import is_stray
from shared.events import Progress, RunStateChanged, State, timestamp
from shared.following import follow, gone
from shared.runs import (
    Run,
    Stop,
    ask_again,
    ask_stop,
    commit_run_id,
    finish,
    rank,
    request_run_id,
    state_changed,
)
from tests.samples import NOW, RUN_ID, a_job, a_run, described, ended_try, minutes

LATER = NOW + minutes(1)
# AWS Batch user guide, "Job states".
FORGOTTEN = NOW + timedelta(days=7)
STATUSES = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
# The state after each status, in the order of STATUSES.
AFTER: dict[State, list[str]] = {
    "requested": ["submitted"] * 4 + ["running", "succeeded", "failed"],
    "submitted": ["submitted"] * 4 + ["running", "succeeded", "failed"],
    "running": ["running"] * 5 + ["succeeded", "failed"],
    "succeeded": ["succeeded"] * 7,
    "failed": ["failed"] * 7,
    "stopped": ["stopped"] * 7,
    "rejected": ["rejected"] * 7,
}
OPEN = ("requested", "submitted", "running")
FINAL = ("succeeded", "failed", "stopped", "rejected")


def in_state(state: State, **changes: Any) -> Run:
    job = a_job(job_id=None if state == "requested" else "job-1")
    return a_run(state=state, job=job, **changes)


def stop(attempt: int = 1) -> Stop:
    return Stop(by="Someone", why="too slow", attempt=attempt, at=NOW)


@pytest.mark.parametrize("state", AFTER)
@pytest.mark.parametrize("status", STATUSES)
def test_each_state_goes_forward_with_each_status(state: State, status: str) -> None:
    run = in_state(state)

    after = follow(run, described(status), LATER)

    assert after.state == AFTER[state][STATUSES.index(status)]
    assert rank(after.state) >= rank(run.state)
    if state in FINAL:
        assert after is run


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("status", STATUSES)
def test_the_same_news_twice_changes_nothing_the_second_time(state: State, status: str) -> None:
    once = follow(in_state(state), described(status), LATER)

    assert follow(once, described(status), LATER + minutes(1)) is once


@pytest.mark.parametrize("status", STATUSES)
def test_the_first_news_of_a_job_gives_the_record_its_id_and_ends_the_lease(status: str) -> None:
    run = in_state("requested", lease_until=NOW + minutes(5))

    after = follow(run, described(status, job_id="job-9"), LATER)

    assert after.job is not None
    assert after.job.id == "job-9"
    assert after.lease_until is None
    assert after.submitted_at == after.updated_at == LATER


def test_a_status_that_batch_adds_tomorrow_changes_nothing() -> None:
    run = in_state("running")

    assert follow(run, described("PAUSED"), LATER) is run


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    "foreign",
    [
        {"jobName": "another"},
        {"jobName": a_job().name.upper()},
        {"jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/other"},
        {"parameters": {"runId": RUN_ID}},
        {"parameters": {"runId": RUN_ID, "attempt": "\u0661"}},
        {"parameters": {"runId": RUN_ID, "attempt": "9" * 5000}},
        {"parameters": {"runId": RUN_ID, "attempt": "-1"}},
        {"job_id": "job-2"},
    ],
)
def test_a_job_of_another_name_queue_or_id_changes_nothing(
    status: str, foreign: dict[str, Any]
) -> None:
    run = in_state("submitted")

    assert follow(run, described(status, **foreign), LATER) is run


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("attempt", [1, 3])
def test_a_job_of_another_attempt_changes_nothing(status: str, attempt: int) -> None:
    run = a_run(attempt=2, state="submitted", job=a_job(2, "job-2"))

    assert follow(run, described(status, attempt=attempt, job_id="job-2"), LATER) is run


def test_a_job_of_a_run_that_nobody_submitted_changes_nothing() -> None:
    run = a_run(job=None)

    assert follow(run, described("RUNNING"), LATER) is run


def test_the_queue_is_the_same_by_name_and_by_arn() -> None:
    run = in_state("submitted")

    assert follow(run, described("RUNNING", jobQueue="cpu"), LATER).state == "running"


def test_a_later_try_goes_before_a_later_state() -> None:
    lost = ended_try(statusReason="Host EC2 (instance i-0) terminated.", logStreamName="first")
    running = follow(
        in_state("submitted"), described("RUNNING", startedAt=1_700_000_000_000), LATER
    )

    again = follow(running, described("RUNNABLE", attempts=[lost]), LATER)
    second = follow(again, described("RUNNING", attempts=[lost]), LATER)

    assert (running.state, running.try_number) == ("running", 1)
    assert running.started_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert (again.state, again.try_number, again.started_at) == ("submitted", 2, None)
    assert again.reason == "the machine of the try before was taken away (spot)"
    assert (second.state, second.try_number) == ("running", 2)
    assert follow(second, described("RUNNING"), LATER) is second
    assert follow(second, described("RUNNABLE", attempts=[lost]), LATER) is second


def stream(run: Run) -> str | None:
    assert run.job is not None
    return run.job.log_stream


def test_the_log_stream_is_the_one_of_the_latest_try() -> None:
    lost = ended_try(statusReason="Host EC2 (instance i-0) terminated.", logStreamName="first")
    first = follow(
        in_state("submitted"), described("RUNNING", container={"logStreamName": "first"}), LATER
    )
    second_running = described("RUNNING", attempts=[lost], container={"logStreamName": "second"})
    second = follow(first, second_running, LATER)
    done = ended_try(logStreamName="second", exitCode=0)
    after = follow(second, described("SUCCEEDED", attempts=[lost, done]), LATER)

    assert (stream(first), stream(second), stream(after)) == ("first", "second", "second")
    old = described("RUNNING", container={"logStreamName": "first"})
    assert follow(second, old, LATER) is second


def test_an_ended_job_leaves_its_times_and_its_exit_code() -> None:
    job = described(
        "FAILED",
        startedAt=1_700_000_000_000,
        stoppedAt=1_700_000_060_500,
        attempts=[ended_try(exitCode=3)],
    )

    after = follow(in_state("submitted"), job, LATER)

    assert after.exit_code == 3
    assert after.started_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert after.stopped_at == datetime.fromtimestamp(1_700_000_060.5, UTC)


def test_a_stop_is_asked_for_once_and_changes_no_state() -> None:
    asked = ask_stop(in_state("running"), "Someone", "too slow", LATER)

    assert asked.state == "running"
    assert asked.stop == Stop(by="Someone", why="too slow", attempt=1, at=LATER)
    assert ask_stop(asked, "Another", "me too", LATER) is asked


@pytest.mark.parametrize("state", FINAL)
def test_what_is_over_cannot_be_stopped_finished_or_forgotten(state: State) -> None:
    run = in_state(state)

    assert ask_stop(run, "Someone", "late", LATER) is run
    assert finish(run, "stopped", "late", LATER) is run
    assert gone(run, FORGOTTEN) is run


@pytest.mark.parametrize("state", OPEN)
def test_an_open_run_whose_job_is_forgotten_has_failed(state: State) -> None:
    after = gone(in_state(state, lease_until=LATER), FORGOTTEN)

    assert (after.state, after.stopped_at, after.lease_until) == ("failed", FORGOTTEN, None)
    assert "does not know the job any more" in (after.reason or "")


def test_a_run_that_was_to_stop_is_stopped_once_its_job_is_forgotten() -> None:
    run = in_state("running", stop=stop())

    assert gone(run, FORGOTTEN - minutes(1)) is run
    assert gone(run, FORGOTTEN).reason == "stopped by Someone: too slow"


@pytest.mark.parametrize("known", ["requested_at", "submitted_at", "started_at"])
def test_a_job_that_lived_within_seven_days_is_not_forgotten_whatever_an_answer_leaves_out(
    known: str,
) -> None:
    run = in_state("running", **{known: NOW + minutes(60)})

    assert gone(run, FORGOTTEN + minutes(59)) is run
    assert gone(run, FORGOTTEN + minutes(60)).state == "failed"


def test_a_sweep_that_was_looked_at_within_seven_days_is_not_forgotten() -> None:
    looked_at = NOW + minutes(60)
    run = in_state("running", progress=Progress(size=6, looked_at=looked_at))

    assert gone(run, FORGOTTEN + minutes(59)) is run
    assert gone(run, FORGOTTEN + minutes(60)).state == "failed"


@pytest.mark.parametrize("state", OPEN)
def test_an_attempt_that_is_not_over_is_not_run_again(state: State) -> None:
    run = in_state(state)

    assert ask_again(run, LATER) is run


@pytest.mark.parametrize("state", FINAL)
def test_what_is_over_is_run_again_as_a_fresh_attempt(state: State) -> None:
    run = in_state(
        state,
        try_number=3,
        reason="x",
        exit_code=1,
        stop=stop(),
        submitted_at=NOW,
        started_at=NOW,
        stopped_at=NOW,
    )

    again = ask_again(run, LATER)

    assert (again.attempt, again.try_number, again.state) == (2, 1, "requested")
    assert (again.job, again.reason, again.exit_code, again.lease_until) == (None,) * 4
    assert (again.submitted_at, again.started_at, again.stopped_at) == (None,) * 3
    assert again.requested_at == LATER
    assert again.created_at == NOW
    assert again.stop_asked is None
    assert again.asked == run.asked


def test_keywords_that_could_not_be_read_are_not_tried_again() -> None:
    run = a_run(state="rejected", reason="no such keyword")

    assert ask_again(run, LATER) is run


def test_a_second_job_of_one_attempt_is_a_stray() -> None:
    assert is_stray(described("RUNNING", job_id="job-2"), in_state("submitted"))
    assert is_stray(described("RUNNING", job_id="job-2"), in_state("failed"))
    ended_without_a_job = a_run(state="stopped", job=a_job())
    assert is_stray(described("RUNNING"), ended_without_a_job)


def test_a_job_of_an_earlier_attempt_that_still_runs_is_a_stray() -> None:
    job = a_job()
    second = a_job().model_copy(update={"name": job.name.removesuffix("-1") + "-2"})
    run = a_run(state="submitted", attempt=2, job=second)

    assert is_stray(described("RUNNING", attempt=1), run)
    assert not is_stray(described("FAILED", attempt=1), run)
    assert not is_stray(described("RUNNING", attempt=1, jobName="x-1"), run)
    assert follow(run, described("RUNNING", attempt=1), LATER) is run


def test_what_has_ended_or_is_not_ours_is_no_stray() -> None:
    assert not is_stray(described("FAILED", job_id="job-2"), in_state("submitted"))
    assert not is_stray(described("RUNNING"), in_state("submitted"))
    assert not is_stray(described("RUNNING", jobName="x", job_id="job-2"), in_state("submitted"))
    assert not is_stray(described("RUNNING", attempt=2, job_id="job-2"), in_state("submitted"))


statement = st.builds(
    described,
    st.sampled_from(STATUSES),
    attempt=st.integers(1, 2),
    job_id=st.sampled_from(["job-1", "job-2"]),
    attempts=st.lists(st.just(ended_try(exitCode=1)), max_size=2),
)


@given(st.lists(statement, max_size=12))
def test_in_any_order_a_record_only_goes_forward(said: list[Any]) -> None:
    run = in_state("requested")
    for job in said:
        after = follow(run, job, LATER)
        assert (after.try_number, rank(after.state)) >= (run.try_number, rank(run.state))
        assert not run.final or after is run
        run = after


@given(st.permutations(["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]))
def test_the_events_of_a_job_end_the_same_way_in_any_order(order: list[str]) -> None:
    run = in_state("requested")
    for status in order:
        run = follow(run, described(status), LATER)

    assert run.state == "succeeded"


def test_the_identity_of_a_run_is_24_hexadecimal_digits() -> None:
    ids = (commit_run_id("acme-testing", "{u}", "main", "c"), request_run_id("acme-testing", "r"))

    assert [len(run_id) for run_id in ids] == [24, 24]
    assert all(int(run_id, 16) >= 0 for run_id in ids)


def test_the_identity_of_a_request_is_none_of_a_commits() -> None:
    asked = request_run_id("s", "r")

    assert asked == request_run_id("s", "r")
    assert asked not in {request_run_id("s", "s"), commit_run_id("s", "r", "", "")}


def test_no_two_stacks_have_a_run_in_common() -> None:
    stacks = ("acme-staging", "acme-production")

    assert len({commit_run_id(stack, "{u}", "main", "c") for stack in stacks}) == 2
    assert len({request_run_id(stack, "nightly") for stack in stacks}) == 2


def test_the_event_of_a_record_tells_all_that_an_analyst_needs() -> None:
    run = in_state("running", version=4, started_at=NOW)

    event = RunStateChanged.model_validate_json(state_changed(run).detail())

    assert event == state_changed(run)
    assert (event.version, event.attempt, event.try_number, event.state) == (4, 1, 1, "running")
    assert event.job is not None
    assert event.asked.arguments == "train"
    assert '"try":1' in state_changed(run).detail()
    assert "lease_until" not in state_changed(run).detail()


def test_an_event_of_a_newer_sender_is_read() -> None:
    newer = state_changed(a_run()).detail().replace("{", '{"new_field":{"x":1},', 1)

    assert RunStateChanged.model_validate_json(newer) == state_changed(a_run())


def test_times_are_texts_of_utc_that_sort_as_they_came() -> None:
    east = timezone(timedelta(hours=2))

    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 678_999, UTC)) == "2026-01-02T03:04:05.678Z"
    assert timestamp(datetime(2026, 1, 2, 3, 4, tzinfo=east)) == "2026-01-02T01:04:00.000Z"
