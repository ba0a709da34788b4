"""From a push to the final status, through all services, with everything that goes wrong."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from shared.bitbucket import CredentialsRefused, NotFound, RepositoryHidden
from shared.errors import Rejected, Unavailable
from shared.events import Asked, RunId, RunRequested, RunStateChanged, enclose
from shared.runs import new_run, request_run_id
from shared.telemetry import log
from tests.fakes import Crash
from tests.integration.service_chain import UNSEEN_SECONDS, Chain
from tests.samples import COMMIT, NAMES, REPOSITORY, ended_try

DEFINITION = NAMES.job_definition(REPOSITORY.slug)


def succeed(chain: Chain, job_id: str) -> None:
    chain.hear(chain.batch.move(job_id, "SUCCEEDED", attempts=[ended_try(exitCode=0)]))


def test_a_push_becomes_a_job_and_a_successful_status(chain: Chain) -> None:
    run_id = chain.started(":ACME_RUN: train\n:ACME_MEMORY: 4096")
    succeed(chain, "job-1")

    assert chain.run(run_id).state == "succeeded"
    assert len(chain.batch.submissions) == 1
    assert chain.bitbucket.states[0] == "INPROGRESS"
    assert chain.status["state"] == "SUCCESSFUL"
    versions = [e.version for e in chain.events if isinstance(e, RunStateChanged)]
    assert versions == sorted(versions)
    assert chain.messages == []


def test_a_commit_that_asks_for_nothing_leaves_nothing(chain: Chain) -> None:
    run_id = chain.push("prose")
    chain.settle()

    assert chain.runs.get(run_id) is None
    assert chain.bitbucket.posted == []


def test_a_push_delivered_five_times_is_one_job(chain: Chain) -> None:
    for _ in range(5):
        chain.push()
    chain.settle()

    assert len(chain.batch.submissions) == 1
    assert len(chain.bitbucket.statuses) == 1


def test_a_push_delivered_again_after_the_end_changes_nothing(chain: Chain) -> None:
    run_id = chain.started()
    succeed(chain, "job-1")
    before = chain.run(run_id)
    chain.push()
    chain.settle()

    assert chain.run(run_id) == before
    assert len(chain.batch.submissions) == 1
    assert chain.status["state"] == "SUCCESSFUL"


def test_the_same_commit_on_another_branch_is_another_run_with_its_own_status(
    chain: Chain,
) -> None:
    chain.push()
    chain.push(branch="dev")
    chain.settle()

    assert len(chain.batch.submissions) == 2
    keys = {status["key"]: status["refname"] for status in chain.bitbucket.statuses.values()}
    assert sorted(keys.values()) == ["dev", "main"]


def test_a_bad_keyword_is_a_failed_status_that_says_what_to_write(chain: Chain) -> None:
    chain.push(":ACME_RUN:\n:ACME_MEMORY: 32GB")
    chain.settle()

    assert chain.status["state"] == "FAILED"
    assert chain.status["description"] == ("rejected: memory is a whole number of MiB: write 32768")
    assert chain.batch.submissions == []


def test_a_parser_cut_off_after_its_write_asks_for_the_run_when_it_is_called_again(
    chain: Chain,
) -> None:
    chain.publishing_crashes = 1
    run_id = chain.push()
    chain.settle()
    assert chain.run(run_id).state == "requested"
    assert chain.batch.submissions == []

    chain.settle(200)

    assert chain.run(run_id).state == "submitted"
    assert len(chain.batch.submissions) == 1


def test_a_rejection_that_was_not_told_is_told_by_the_next_delivery(chain: Chain) -> None:
    chain.publishing_crashes = 1
    chain.push(":ACME_NONSENSE:")
    chain.settle(200)

    assert chain.status["state"] == "FAILED"


def test_arguments_too_long_for_batch_are_rejected_before_they_are_submitted(
    chain: Chain,
) -> None:
    chain.push(":ACME_RUN: " + "x" * 9000)
    chain.settle()

    assert chain.batch.submissions == []
    assert chain.status["state"] == "FAILED"
    assert "too long for AWS Batch" in chain.status["description"]


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]))[::3]
)
def test_events_in_any_order_and_twice_end_in_the_same_status(
    chain: Chain, order: tuple[str, ...]
) -> None:
    chain.push()
    chain.settle()
    for status in order:
        for _ in range(2):
            chain.hear(chain.batch.event("job-1", status=status))

    assert chain.status["state"] == "SUCCESSFUL"


def test_batch_may_be_heard_before_the_submitter_has_written_the_id_down(chain: Chain) -> None:
    run_id = chain.push()
    original = chain.batch.submit_job

    def submit_and_speak(**submission: Any) -> dict[str, str]:
        answer = original(**submission)
        chain.hear(chain.batch.move(answer["jobId"], "RUNNING"))
        return answer

    chain.batch.submit_job = submit_and_speak  # type: ignore[method-assign] # a faster Batch
    chain.settle()

    assert chain.run(run_id).state == "running"
    assert chain.live_jobs() == ["job-1"]
    assert "running" in chain.status["description"]


@pytest.mark.parametrize(
    "foreign",
    [
        {"parameters": {}},
        {"parameters": {"runId": "f" * 24, "attempt": "1"}},
        {"parameters": {"runId": "x" * 5000, "attempt": "1"}},
        {"jobName": "theirs"},
        {"jobQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/theirs"},
    ],
)
def test_jobs_that_are_not_ours_are_acknowledged_and_left_alone(
    chain: Chain, foreign: dict[str, Any]
) -> None:
    run_id = chain.started()
    before, posted = chain.run(run_id), len(chain.bitbucket.posted)
    chain.hear(chain.batch.event("job-1", status="FAILED", jobId="theirs", **foreign))

    assert chain.run(run_id) == before
    assert chain.batch.terminated == []
    assert len(chain.bitbucket.posted) == posted
    assert chain.messages == []


def test_events_of_batch_that_are_about_no_job_are_acknowledged(chain: Chain) -> None:
    detail = {"jobQueue": "x", "serviceJobType": "SAGEMAKER_TRAINING"}
    chain.hear({"detail-type": "Batch Service Job Queue Blocked", "source": "a", "detail": detail})

    assert chain.messages == []


def test_a_monitor_cut_off_after_its_write_publishes_when_it_is_called_again(
    chain: Chain,
) -> None:
    chain.started()
    chain.publishing_crashes = 1
    succeed(chain, "job-1")
    assert chain.status["state"] == "INPROGRESS"

    chain.settle(200)

    assert chain.status["state"] == "SUCCESSFUL"


def test_why_a_job_waits_is_shown_after_ten_minutes(chain: Chain) -> None:
    chain.push()
    chain.settle()
    chain.batch.move("job-1", "RUNNABLE", statusReason="CAPACITY:INSUFFICIENT")
    chain.hear(chain.batch.event("job-1", "Batch Job Queue Blocked"))
    assert "CAPACITY" not in chain.status["description"]

    for _ in range(2):
        chain.settle(301)
        chain.reconcile()

    assert chain.status["description"] == "submitted: it waits, because CAPACITY:INSUFFICIENT"
    assert chain.status["state"] == "INPROGRESS"
    chain.hear(chain.batch.move("job-1", "RUNNING", statusReason=""))
    assert chain.status["description"].startswith("running")


# Stop and rerun.


def test_no_log_line_names_the_person_who_stopped_a_run_before_its_job_or_says_why(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(vars(log), "bind", raising=False)  # the proxy keeps its first logger
    chain.publishing_crashes = 1
    with capture_logs() as lines:
        run_id = chain.push()
        chain.settle()
        chain.stop(run_id)
        chain.settle(200)

    assert chain.run(run_id).reason == "stopped by Someone: too slow"
    assert "stopped" in [one["state"] for one in lines if one["event"] == "run ended without a job"]
    assert "status posted" in [one["event"] for one in lines]
    for one in lines:
        assert "Someone" not in str(one)
        assert "too slow" not in str(one)


def test_a_stop_before_the_job_is_submitted_submits_none(chain: Chain) -> None:
    chain.publishing_crashes = 1
    run_id = chain.push()
    chain.settle()
    chain.stop(run_id)
    chain.settle(200)

    assert chain.batch.submissions == []
    assert chain.run(run_id).state == "stopped"
    assert chain.status["state"] == "STOPPED"
    assert "stopped by Someone: too slow" in chain.status["description"]


def test_a_stop_while_the_job_is_submitted_ends_it(chain: Chain) -> None:
    run_id = chain.push()
    chain.batch.before_next("submit_job", lambda: chain.stop(run_id))
    chain.settle()

    assert chain.batch.terminated == [("job-1", "stopped by Someone: too slow")]
    chain.hear(chain.batch.event("job-1"))
    assert chain.status["state"] == "STOPPED"


def test_a_stop_while_the_job_runs_ends_it(chain: Chain) -> None:
    run_id = chain.started()
    asked = chain.stop(run_id)

    assert asked.state == "running"
    assert chain.live_jobs() == []
    chain.hear(chain.batch.event("job-1"))
    assert chain.run(run_id).state == "stopped"
    assert chain.status["state"] == "STOPPED"


def test_a_stop_whose_termination_was_cut_off_is_made_good_by_the_next_event(
    chain: Chain,
) -> None:
    run_id = chain.started()
    chain.batch.fail_next("terminate_job", OSError("cut off"))
    with pytest.raises(OSError, match="cut off"):
        chain.stop(run_id)
    assert chain.live_jobs() == ["job-1"]

    chain.hear(chain.batch.event("job-1"))
    assert chain.live_jobs() == []


def test_what_is_over_cannot_be_stopped(chain: Chain) -> None:
    run_id = chain.started()
    succeed(chain, "job-1")

    with pytest.raises(Rejected, match="is over already \\(succeeded\\)"):
        chain.stop(run_id)
    with pytest.raises(Rejected, match="no run"):
        chain.stop(RunId("unknown"))


def test_exit_code_0_is_a_success_though_a_stop_was_asked_for(chain: Chain) -> None:
    run_id = chain.started()
    chain.batch.fail_next("terminate_job", OSError("cut off"))
    with pytest.raises(OSError, match="cut off"):
        chain.stop(run_id)
    succeed(chain, "job-1")

    assert chain.status["state"] == "SUCCESSFUL"


def test_a_termination_from_outside_is_stopped_as_well(chain: Chain) -> None:
    chain.started()
    chain.batch.terminate_job(jobId="job-1", reason="costs too much")
    chain.hear(chain.batch.event("job-1"))

    assert chain.status["state"] == "STOPPED"
    assert "stopped from outside: costs too much" in chain.status["description"]


def test_a_rerun_is_a_second_attempt_under_the_same_status(chain: Chain) -> None:
    run_id = chain.started()
    chain.hear(chain.batch.move("job-1", "FAILED", attempts=[ended_try(exitCode=1)]))
    assert chain.status["state"] == "FAILED"

    again = chain.rerun(run_id)
    chain.settle()

    assert again.attempt == 2
    assert chain.batch.submissions[1]["parameters"]["attempt"] == "2"
    assert chain.batch.submissions[1]["jobName"].endswith(f"{run_id}-2")
    assert chain.status["description"].startswith("attempt 2: submitted")
    chain.hear(chain.batch.event("job-1", status="SUCCEEDED"))
    assert chain.status["state"] == "INPROGRESS"
    succeed(chain, "job-2")
    assert chain.status["state"] == "SUCCESSFUL"


def test_a_rerun_that_was_cut_off_can_be_asked_for_again(chain: Chain) -> None:
    run_id = chain.started()
    succeed(chain, "job-1")
    chain.publishing_crashes = 1
    with pytest.raises(Crash):
        chain.rerun(run_id)

    assert chain.rerun(run_id).attempt == 2
    chain.settle()
    assert len(chain.batch.submissions) == 2


def test_what_is_not_over_is_not_run_again(chain: Chain) -> None:
    run_id = chain.started()

    with pytest.raises(Rejected, match="is running: wait until it is over, or stop it first"):
        chain.rerun(run_id)
    with pytest.raises(Rejected, match="no run"):
        chain.rerun(RunId("unknown"))


def test_a_request_for_an_earlier_attempt_submits_nothing(chain: Chain) -> None:
    run_id = chain.started()
    succeed(chain, "job-1")
    chain.rerun(run_id)
    chain.settle()
    chain.send("runs", enclose(RunRequested(run_id=run_id, attempt=1)))
    chain.settle()

    assert len(chain.batch.submissions) == 2


def test_a_missing_job_definition_is_told_and_cured_by_a_rerun(chain: Chain) -> None:
    chain.batch.definitions.clear()
    run_id = chain.push()
    chain.settle(3 * UNSEEN_SECONDS)

    assert chain.status["state"] == "FAILED"
    assert chain.status["description"] == (
        f"rejected: no job definition {DEFINITION}: add the project, then rerun"
    )
    chain.batch.definitions.add(DEFINITION)
    chain.rerun(run_id)
    chain.settle()
    assert chain.run(run_id).state == "submitted"
    assert chain.status["state"] == "INPROGRESS"


def test_a_job_definition_that_is_not_shown_yet_is_waited_for(chain: Chain) -> None:
    chain.batch.definitions.clear()
    run_id = chain.push()
    chain.settle(UNSEEN_SECONDS - 300)

    assert chain.status["description"] == "requested: waiting to be submitted"
    chain.batch.definitions.add(DEFINITION)
    chain.settle(300)
    assert chain.run(run_id).state == "submitted"
    assert len(chain.batch.submissions) == 1


def test_another_attempt_waits_as_long_for_its_job_definition(chain: Chain) -> None:
    run_id = chain.started()
    succeed(chain, "job-1")
    chain.settle(UNSEEN_SECONDS)
    chain.batch.definitions.clear()
    chain.rerun(run_id)
    chain.settle(UNSEEN_SECONDS - 300)

    assert chain.run(run_id).state == "requested"
    chain.settle(3 * UNSEEN_SECONDS)
    assert chain.run(run_id).state == "rejected"


def test_keywords_that_were_rejected_cannot_be_run_again(chain: Chain) -> None:
    run_id = chain.push(":ACME_NONSENSE:")
    chain.settle()

    with pytest.raises(Rejected, match="push a corrected commit"):
        chain.rerun(run_id)


def test_a_run_asked_for_by_command_needs_no_repository_or_commit(chain: Chain) -> None:
    chain.batch.definitions.add(NAMES.job_definition("command"))
    run_id = request_run_id(NAMES.stack, "made by the client")
    chain.runs.create(new_run(run_id, Asked(arguments="train"), chain.clock()))
    chain.send("runs", enclose(RunRequested(run_id=run_id)))
    chain.settle()

    assert chain.run(run_id).state == "submitted"
    assert chain.bitbucket.posted == []
    assert chain.messages == []


# The notifier.


def test_a_record_that_moves_while_it_is_posted_is_posted_again(chain: Chain) -> None:
    run_id = chain.push()
    chain.settle()
    chain.bitbucket.meanwhile = [
        lambda: chain.runs.change(run_id, lambda run: run.changed(state="failed", reason="x"))
    ]
    chain.hear(chain.batch.move("job-1", "RUNNING"))

    assert chain.bitbucket.states[-2:] == ["INPROGRESS", "FAILED"]
    assert chain.status["state"] == "FAILED"


def test_a_record_that_moves_each_time_is_left_to_the_next_delivery(chain: Chain) -> None:
    run_id = chain.push()
    chain.settle()
    chain.bitbucket.meanwhile = [
        lambda: chain.runs.change(run_id, lambda run: run.changed(exit_code=run.version))
    ] * 7
    chain.hear(chain.batch.move("job-1", "RUNNING"))
    assert len(chain.messages) == 1

    chain.settle(20)
    assert chain.messages == []


def test_a_late_event_of_an_old_version_posts_what_the_record_says_now(chain: Chain) -> None:
    chain.started()
    first = next(event for event in chain.events if isinstance(event, RunStateChanged))
    succeed(chain, "job-1")
    chain.send("statuses", enclose(first))
    chain.settle()

    assert chain.bitbucket.states[-1] == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (Unavailable("posting build status: 429", retry_after=1800), 1800),
        (Unavailable("posting build status: 503"), 15),
        (CredentialsRefused("posting build status: 401"), 15),
        (CredentialsRefused("posting build status: 403"), 15),
        (RepositoryHidden("posting build status: Bitbucket shows no repository"), 15),
    ],
)
def test_a_bitbucket_that_refuses_for_a_while_delays_a_status_and_loses_none(
    chain: Chain, refusal: Unavailable, seconds: int
) -> None:
    chain.bitbucket.refusals = [refusal] * 20
    chain.push(":ACME_NONSENSE:")
    chain.settle()
    assert chain.bitbucket.posted == []

    chain.settle(seconds - 1)
    assert len(chain.bitbucket.refusals) == 19
    chain.settle(20 * 2200)
    assert chain.status["state"] == "FAILED"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[structlog.typing.EventDict]]:
    """What the services say while the test runs."""
    monkeypatch.delitem(vars(log), "bind", raising=False)  # the proxy keeps its first logger
    with capture_logs() as lines:
        yield lines


def test_a_commit_that_is_gone_is_acknowledged_after_ten_minutes(
    chain: Chain, lines: list[structlog.typing.EventDict]
) -> None:
    chain.bitbucket.gone = {COMMIT}
    chain.push(":ACME_NONSENSE:")
    chain.settle(599)
    assert [message.queue for message in chain.messages] == ["statuses"]

    chain.settle(600)

    assert chain.messages == []
    assert chain.bitbucket.posted == []
    assert [line["commit"] for line in lines if line["event"] == "commit gone"] == [COMMIT]


def test_a_commit_that_is_not_visible_yet_gets_its_status_once_it_is(chain: Chain) -> None:
    chain.bitbucket.gone = {COMMIT}
    chain.push(":ACME_NONSENSE:")
    chain.settle(59)
    assert chain.bitbucket.posted == []

    chain.bitbucket.gone.clear()
    chain.settle(15)

    assert chain.status["state"] == "FAILED"
    assert chain.messages == []


def test_a_404_by_chance_at_the_end_of_a_long_run_costs_no_status(chain: Chain) -> None:
    chain.started()
    chain.settle(5 * 3600)
    chain.bitbucket.refusals = [NotFound("posting build status: 404")]
    succeed(chain, "job-1")
    assert chain.status["state"] == "INPROGRESS"

    chain.settle(80)

    assert chain.status["state"] == "SUCCESSFUL"


def test_access_to_a_repository_that_was_lost_is_an_error_in_the_log(
    chain: Chain, lines: list[structlog.typing.EventDict]
) -> None:
    chain.bitbucket.refusals = [RepositoryHidden("posting build status: they have lost access")]
    chain.push(":ACME_NONSENSE:")
    chain.settle()

    # As template.yaml's metric filter, and so the alarm, has it.
    refused = [line for line in lines if line["event"] == "bitbucket credentials refused"]
    assert [line["log_level"] for line in refused] == ["error"]
    assert "lost access" in refused[0]["doing"]
    assert [message.queue for message in chain.messages] == ["statuses"]


def test_a_status_that_bitbucket_calls_malformed_is_a_bug_and_ends_dead(chain: Chain) -> None:
    chain.bitbucket.refusals = [ValueError("posting build status: 400")] * 100
    chain.push(":ACME_NONSENSE:")
    chain.settle(25 * 200)

    assert [message.queue for message in chain.dead] == ["statuses"]
    chain.dead.clear()
