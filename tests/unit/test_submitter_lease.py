"""Who may submit an attempt's job, and what is written down about it."""

from datetime import timedelta
from typing import Any

import pytest

from services.submitter.lease import Lease, claim, never_begun, readdressed, released, submitted
from shared.errors import Unavailable
from shared.runs import ask_stop
from tests.samples import NOW, a_job, a_run, minutes
from tests.samples_machines import a_machines_run

SECONDS = 330
END = NOW + timedelta(seconds=SECONDS)
OURS, THEIRS = Lease("ours", SECONDS), Lease("theirs", SECONDS)


def test_a_claim_notes_the_jobs_name_and_queue_and_when_it_ends() -> None:
    held = claim(a_run(), 1, a_job(), NOW, OURS)

    assert held.job == a_job()
    assert held.lease_until == END
    assert held.state == "requested"


def test_a_live_lease_sends_another_delivery_back_until_it_ends() -> None:
    held = claim(a_run(), 1, a_job(), NOW, OURS)

    with pytest.raises(Unavailable) as error:
        claim(held, 1, a_job(), NOW + minutes(1), THEIRS)
    assert error.value.retry_after == SECONDS - 60 + 1


def test_who_finds_the_own_lease_goes_on_under_it() -> None:
    held = claim(a_run(), 1, a_job(), NOW, OURS)

    assert claim(held, 1, a_job(), NOW + minutes(1), OURS) is held


def test_a_lease_that_has_run_out_is_taken_over_with_the_name_that_it_noted() -> None:
    held = claim(a_run(), 1, a_job(), NOW, OURS)
    renamed = a_job().model_copy(update={"name": "other", "queue": "other"})

    taken = claim(held, 1, renamed, END, THEIRS)

    assert taken.job == a_job()
    assert taken.lease_until == END + timedelta(seconds=SECONDS)


def test_a_lease_that_was_given_back_keeps_no_queue() -> None:
    held = claim(a_run(), 1, a_job(), NOW, OURS)
    renamed = a_job().model_copy(update={"queue": "other"})

    taken = claim(released(held, held, NOW, taken_over=False), 1, renamed, NOW, OURS)

    assert taken.job == renamed


def test_the_holder_of_a_lease_alone_sends_the_job_elsewhere() -> None:
    held = claim(a_run(), 1, a_job(), NOW, OURS)
    other = a_job().model_copy(update={"queue": "other"})
    stolen = held.changed(lease_until=END + minutes(1))
    submitted_meanwhile = held.changed(state="submitted", lease_until=None)

    assert readdressed(held, held, other, NOW).job == other
    assert readdressed(stolen, held, other, NOW) is stolen
    assert readdressed(submitted_meanwhile, held, other, NOW) is submitted_meanwhile


@pytest.mark.parametrize("state", ["submitted", "running", "succeeded", "failed", "stopped"])
def test_what_was_submitted_needs_no_claim(state: str) -> None:
    run = a_run(state=state, job=a_job(job_id="job-1"))

    assert claim(run, 1, a_job(), NOW, OURS) is run


def test_a_request_for_another_attempt_claims_nothing() -> None:
    run = a_run(attempt=2)

    assert claim(run, 1, a_job(), NOW, OURS) is run


def test_a_lease_is_released_by_its_holder_only() -> None:
    held = a_run(job=a_job(), lease_until=END)

    assert released(held, held, NOW, taken_over=False).lease_until is None
    taken = held.changed(lease_until=END + minutes(1))
    assert released(taken, held, NOW, taken_over=False) is taken


def test_a_lease_that_was_taken_over_is_released_as_one_that_has_run_out() -> None:
    held = a_run(job=a_job(), lease_until=END)

    assert released(held, held, NOW, taken_over=True).lease_until == NOW


def test_the_jobs_id_makes_the_run_submitted_and_ends_the_lease() -> None:
    held = a_run(job=a_job(), lease_until=END)

    run = submitted(held, held, "job-1", NOW)

    assert run.state == "submitted"
    assert run.job == a_job(job_id="job-1")
    assert (run.lease_until, run.submitted_at) == (None, NOW)


@pytest.mark.parametrize(
    "moved",
    [
        {"state": "running", "job": a_job(job_id="job-1")},
        {"state": "submitted", "job": a_job(job_id="job-0")},
        {"state": "failed", "job": a_job(job_id="job-1")},
        {"state": "stopped", "job": a_job()},
        {"attempt": 2, "job": a_job(2)},
        {"attempt": 2, "job": None},
    ],
)
def test_a_late_note_never_lowers_a_state_and_never_changes_a_job(moved: dict[str, Any]) -> None:
    held = a_run(job=a_job(), lease_until=END)
    run = held.changed(**moved)

    assert submitted(run, held, "job-1", NOW) is run


def test_a_run_that_no_command_begins_any_more_has_failed() -> None:
    ended = never_begun(a_machines_run(), 1, NOW)

    assert (ended.state, ended.stopped_at, ended.job) == ("failed", NOW, None)
    assert "cloud-runner remote" in (ended.reason or "")


def test_a_run_that_was_to_stop_before_a_command_began_it_is_stopped() -> None:
    ended = never_begun(ask_stop(a_machines_run(), "Someone", "too slow", NOW), 1, NOW)

    assert (ended.state, ended.reason) == ("stopped", "stopped by Someone: too slow")


@pytest.mark.parametrize("changes", [{"attempt": 2}, {"state": "running"}, {"state": "failed"}])
def test_a_run_on_its_machine_is_left_to_the_machine(changes: dict[str, Any]) -> None:
    run = a_machines_run(**changes)

    assert never_begun(run, 1, NOW) is run
