"""What the reconciler makes good: lost events, forgotten jobs, requests that got stuck."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.errors import Unavailable
from shared.events import JobDescribed, RunRequested
from shared.telemetry import log
from tests.fakes import NO_ANSWER, Crash, refusal
from tests.integration.service_chain import Chain
from tests.samples import ended_try

UNMOVED = 301
# Longer than a message may wait to be delivered again.
FORSAKEN = 1201
# Batch keeps a job for seven days after its end.
FORGOTTEN = 7 * 86_400 + 1


@pytest.mark.parametrize(
    ("status", "fields", "state"),
    [
        ("RUNNING", {"startedAt": 1_700_000_000_000}, "running"),
        ("SUCCEEDED", {"attempts": [ended_try(exitCode=0)]}, "succeeded"),
        ("FAILED", {"attempts": [ended_try(exitCode=3)]}, "failed"),
        ("FAILED", {"statusReason": "no money", "isTerminated": True}, "stopped"),
    ],
)
def test_an_event_that_never_came_is_made_good(
    chain: Chain, status: str, fields: dict[str, Any], state: str
) -> None:
    run_id = chain.push()
    chain.settle()
    chain.batch.move("job-1", status, **fields)
    chain.settle(UNMOVED)

    found = chain.reconcile()

    assert [type(event) for event in found] == [JobDescribed]
    assert chain.run(run_id).state == state
    assert state in chain.status["description"]


def test_a_run_that_moved_a_moment_ago_is_not_asked_after(chain: Chain) -> None:
    chain.push()
    chain.settle()
    chain.batch.move("job-1", "RUNNING")
    chain.settle(UNMOVED - 2)

    assert chain.reconcile() == []
    assert chain.batch.described == []


def test_a_job_that_is_where_its_record_says_is_no_news(chain: Chain) -> None:
    run_id = chain.started()
    before = chain.run(run_id)
    chain.settle(UNMOVED)

    assert chain.reconcile() == []
    assert chain.run(run_id) == before


def test_a_job_that_batch_has_forgotten_ends_its_run(chain: Chain) -> None:
    run_id = chain.started()
    chain.batch.forget("job-1")
    chain.settle(FORGOTTEN)
    chain.reconcile()

    assert chain.run(run_id).state == "failed"
    assert "does not know the job any more" in chain.status["description"]


def test_one_answer_that_leaves_a_living_job_out_ends_no_run(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(vars(log), "bind", raising=False)  # the proxy keeps its first logger
    run_id = chain.started()
    chain.settle(UNMOVED)
    before = chain.run(run_id)
    living = chain.batch.jobs.pop("job-1")

    with capture_logs() as lines:
        found = chain.reconcile()

    assert found == []
    assert chain.run(run_id) == before
    assert ("warning", "job left out of an answer") in [
        (line["log_level"], line["event"]) for line in lines
    ]

    chain.batch.jobs["job-1"] = living
    chain.hear(chain.batch.move("job-1", "SUCCEEDED", attempts=[ended_try(exitCode=0)]))

    assert chain.status["state"] == "SUCCESSFUL"


def test_a_dead_letter_of_a_job_that_was_left_out_ends_no_run(chain: Chain) -> None:
    run_id = chain.started()
    chain.publish([JobDescribed(run_id=run_id, attempt=1, job_id="job-1", job=None)])
    chain.settle()

    assert chain.run(run_id).state == "running"


def test_an_answer_about_an_earlier_attempt_ends_no_later_one(chain: Chain) -> None:
    run_id = chain.started()
    chain.batch.forget("job-1")
    chain.settle(FORGOTTEN)
    (found,) = chain.reconcile()
    chain.rerun(run_id)
    chain.settle()

    chain.publish([found])
    chain.settle()

    assert chain.run(run_id).state == "submitted"


def test_a_request_that_got_lost_is_sent_again(chain: Chain) -> None:
    run_id = chain.push()
    chain.deliver(chain.messages[0])
    chain.messages.clear()  # RunRequested among them
    chain.settle(FORSAKEN)

    found = chain.reconcile()

    assert found == [RunRequested(run_id=run_id)]
    assert chain.run(run_id).state == "submitted"
    assert len(chain.batch.submissions) == 1


def test_a_submitter_that_is_at_it_is_not_disturbed(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    chain.push()
    chain.settle()
    chain.messages.clear()
    chain.settle(UNMOVED)
    assert chain.reconcile() == []

    chain.settle(FORSAKEN)

    assert len(chain.reconcile()) == 1
    assert len(chain.batch.submissions) == 1
    assert chain.live_jobs() == ["job-1"]


def test_a_stop_that_was_cut_off_is_made_good(chain: Chain) -> None:
    run_id = chain.started()
    chain.batch.fail_next("terminate_job", Crash())
    with pytest.raises(Crash):
        chain.stop(run_id)
    chain.settle(UNMOVED)
    assert chain.live_jobs() == ["job-1"]

    chain.reconcile()
    assert chain.live_jobs() == []
    chain.settle(UNMOVED)
    chain.reconcile()
    assert chain.run(run_id).state == "stopped"


def test_a_stop_of_a_run_whose_request_got_lost_ends_it(chain: Chain) -> None:
    run_id = chain.push()
    chain.deliver(chain.messages[0])
    chain.messages.clear()
    chain.stop(run_id)
    chain.settle(FORSAKEN)
    chain.reconcile()

    assert chain.batch.submissions == []
    assert chain.status["state"] == "STOPPED"


def test_what_is_over_is_not_asked_after(chain: Chain) -> None:
    chain.started()
    chain.hear(chain.batch.move("job-1", "SUCCEEDED"))
    chain.settle(UNMOVED)
    chain.reconcile()

    assert chain.batch.described == []


def test_a_batch_that_is_away_leaves_everything_to_the_next_time(chain: Chain) -> None:
    run_id = chain.started()
    chain.batch.move("job-1", "SUCCEEDED")
    chain.settle(UNMOVED)
    chain.batch.fail_next("describe_jobs", refusal("ServerException", 500))
    with pytest.raises(Unavailable):
        chain.reconcile()

    chain.reconcile()
    assert chain.run(run_id).state == "succeeded"
