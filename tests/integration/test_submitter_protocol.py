"""One job per attempt: claim, look, submit, note; cut off at each step, and asked twice at once."""

from typing import Any

import pytest

from services.submitter.submission import submit
from shared.errors import Unavailable
from shared.events import RunRequested, RunStateChanged, enclose
from shared.runs import Run, Stop
from tests.fakes import NO_ANSWER, NOT_REACHED, Crash, refusal
from tests.integration.service_chain import LEASE_SECONDS, OTHER_QUEUE, UNSEEN_SECONDS, Chain
from tests.samples import GPU_JOB_QUEUE, JOB_QUEUE, NAMES, REPOSITORY, ended_try

LEASE = LEASE_SECONDS + 1
# Longer than ListJobs lags behind in these tests, shorter than the lease.
STALE = 120


def ask_again(chain: Chain) -> None:
    """Another RunRequested for the one run there is."""
    run = next(iter(chain.runs.latest("requested")), None) or next(chain.runs.latest("submitted"))
    chain.send("runs", enclose(RunRequested(run_id=run.run_id, attempt=run.attempt)))


def assert_one_job_that_the_record_follows(chain: Chain, run_id: object) -> None:
    run = next(chain.runs.latest("submitted"))
    assert run.run_id == run_id
    assert run.job is not None
    assert [run.job.id] == chain.live_jobs()
    assert run.lease_until is None
    assert chain.messages == []


def test_a_submitter_cut_off_before_it_submits_is_made_good_after_the_lease(chain: Chain) -> None:
    chain.batch.fail_next("describe_job_definitions", Crash())
    run_id = chain.push()
    chain.settle(LEASE - 1)
    assert chain.batch.submissions == []

    chain.settle(400)

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


def test_a_submitter_cut_off_after_it_submitted_is_made_good_by_adoption(chain: Chain) -> None:
    chain.batch.stale_seconds = STALE
    chain.batch.fail_next("submit_job", Crash(), done=True)
    run_id = chain.push()
    chain.settle(3 * LEASE)

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


def test_an_unclear_answer_is_resolved_by_adoption_after_the_lease(chain: Chain) -> None:
    chain.batch.stale_seconds = STALE
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    run_id = chain.push()
    chain.settle(LEASE_SECONDS - 1)
    assert chain.run(run_id).state == "requested"

    chain.settle(200)

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


@pytest.mark.parametrize(
    "unclear",
    [
        NO_ANSWER,
        refusal("ServerException", 500),
        refusal("InternalServerError", 500),
        refusal("ServiceUnavailable", 503),
        refusal("502", 502),
    ],
)
def test_an_answer_is_unclear_whatever_the_server_calls_its_own_error(
    chain: Chain, unclear: Exception
) -> None:
    chain.batch.fail_next("submit_job", unclear, done=True)
    run_id = chain.push()
    chain.settle(2 * LEASE)

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


def test_an_unclear_answer_of_a_batch_that_did_nothing_is_submitted_after_the_lease(
    chain: Chain,
) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER)
    run_id = chain.push()
    chain.settle(2 * LEASE)

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


@pytest.mark.parametrize(
    "refused",
    [
        refusal("TooManyRequestsException", 429),
        refusal("ThrottlingException", 400),
        refusal("AccessDeniedException", 403),
        NOT_REACHED,
    ],
)
def test_a_refusal_releases_the_lease_so_that_another_try_need_not_wait_for_it(
    chain: Chain, refused: Exception
) -> None:
    chain.clock.advance(0.123_456)  # what is stored are whole milliseconds
    chain.batch.fail_next("submit_job", refused)
    run_id = chain.push()
    chain.settle()
    assert chain.run(run_id).lease_until is None

    chain.settle(20)

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


def test_a_run_goes_to_the_queue_that_the_stack_has_once_the_one_that_refused_it_is_replaced(
    chain: Chain,
) -> None:
    chain.batch.deleted.add(JOB_QUEUE)
    run_id = chain.push()
    chain.settle(14 * 3600)
    assert [letter.queue for letter in chain.dead] == ["runs"]

    chain.redeploy(job_queue=OTHER_QUEUE)
    chain.redrive()
    chain.settle()

    assert [one["jobQueue"] for one in chain.batch.submissions] == [OTHER_QUEUE]
    assert_one_job_that_the_record_follows(chain, run_id)
    assert chain.status["state"] == "INPROGRESS"


def test_a_lease_is_taken_over_though_the_queue_that_it_names_is_gone(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER)
    run_id = chain.push()
    chain.settle()
    chain.batch.deleted.add(JOB_QUEUE)
    chain.redeploy(job_queue=OTHER_QUEUE)
    chain.settle(2 * LEASE)

    assert [one["jobQueue"] for one in chain.batch.submissions] == [OTHER_QUEUE]
    assert_one_job_that_the_record_follows(chain, run_id)


def test_a_lease_taken_over_finds_its_job_in_the_queue_of_before(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    run_id = chain.push()
    chain.settle()
    chain.redeploy(job_queue=OTHER_QUEUE)
    chain.settle(2 * LEASE)

    assert [one["jobQueue"] for one in chain.batch.submissions] == [JOB_QUEUE]
    assert_one_job_that_the_record_follows(chain, run_id)
    chain.hear(chain.batch.move("job-1", "SUCCEEDED", attempts=[ended_try(exitCode=0)]))
    assert chain.status["state"] == "SUCCESSFUL"


def test_a_lease_taken_over_that_is_refused_looks_again_where_it_was_refused(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER)
    run_id = chain.push()
    chain.settle()
    chain.batch.deleted.add(JOB_QUEUE)
    chain.settle(2 * LEASE)
    assert chain.run(run_id).lease_until is not None

    chain.batch.deleted.clear()
    chain.settle(2 * 3600)

    assert [one["jobQueue"] for one in chain.batch.submissions][-1:] == [JOB_QUEUE]
    assert_one_job_that_the_record_follows(chain, run_id)


def test_another_that_takes_the_lease_while_the_queue_is_changed_submits_alone(
    chain: Chain,
) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER)
    run_id = chain.push()
    chain.settle()
    chain.redeploy(job_queue=OTHER_QUEUE)

    def overtaken() -> None:
        chain.clock.advance(LEASE)
        submit(RunRequested(run_id=run_id), chain.submitting)

    chain.batch.before_next("list_jobs", overtaken)
    chain.settle(4 * LEASE)

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


def test_two_submitters_at_once_submit_one_job(chain: Chain) -> None:
    run_id = chain.push()
    second: list[Unavailable] = []

    def another() -> None:
        with pytest.raises(Unavailable) as error:
            submit(RunRequested(run_id=run_id), chain.submitting)
        second.append(error.value)

    chain.batch.before_next("submit_job", another)
    chain.settle()

    assert second[0].retry_after == LEASE_SECONDS + 1
    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


def test_two_submitters_that_claim_at_once_submit_one_job(chain: Chain) -> None:
    requested = RunRequested(run_id=chain.push())
    chain.deliver(chain.messages[0])
    replace = chain.runs._replace
    raced: list[bool] = []

    def after_another(run: Run, wanted: dict[str, Any]) -> bool:
        if not raced:
            raced.append(True)
            submit(requested, chain.submitting)
        return replace(run, wanted)

    chain.runs._replace = after_another  # type: ignore[assignment,method-assign] # a writer in between
    submit(requested, chain.submitting)

    assert len(chain.batch.submissions) == 1


def test_a_claim_whose_answer_was_lost_is_not_taken_for_anothers(chain: Chain) -> None:
    run_id = chain.push()
    replace = chain.runs._replace
    lost: list[Run] = []

    def repeated(run: Run, wanted: dict[str, Any]) -> bool:
        written = replace(run, wanted)
        if "lease_until" in wanted and not lost:
            lost.append(run)
            return replace(run, wanted)  # as botocore does it, in vain
        return written

    chain.runs._replace = repeated  # type: ignore[assignment,method-assign] # an answer that is lost
    chain.settle()

    assert lost
    assert_one_job_that_the_record_follows(chain, run_id)


def test_many_requests_for_one_attempt_submit_one_job(chain: Chain) -> None:
    run_id = chain.push()
    chain.settle()
    for _ in range(5):
        ask_again(chain)
    chain.settle()

    assert len(chain.batch.submissions) == 1
    assert_one_job_that_the_record_follows(chain, run_id)


def test_a_submitter_slower_than_its_lease_ends_its_own_second_job(chain: Chain) -> None:
    run_id = chain.push()

    def overtaken() -> None:
        chain.clock.advance(LEASE)
        submit(RunRequested(run_id=run_id), chain.submitting)

    chain.batch.before_next("submit_job", overtaken)
    chain.settle()

    assert len(chain.batch.submissions) == 2
    reason = "a second job of one attempt: the run follows the first"
    assert chain.batch.terminated == [("job-2", reason)]
    assert_one_job_that_the_record_follows(chain, run_id)
    assert chain.live_jobs() == ["job-1"]


def test_a_second_job_that_list_jobs_hid_for_too_long_is_ended_by_the_monitor(
    chain: Chain,
) -> None:
    chain.batch.stale_seconds = 10 * LEASE
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    run_id = chain.push()
    chain.settle(2 * LEASE)
    assert len(chain.batch.submissions) == 2

    chain.hear(chain.batch.move("job-1", "RUNNING"))

    assert [job_id for job_id, _ in chain.batch.terminated] == ["job-1"]
    assert_one_job_that_the_record_follows(chain, run_id)
    chain.hear(chain.batch.event("job-1"))
    assert chain.status["state"] == "INPROGRESS"


def test_of_several_jobs_the_one_that_came_first_is_adopted(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    run_id = chain.push()
    chain.settle()
    submission = chain.batch.submissions[0]
    chain.clock.advance(1)
    chain.batch.submit_job(**submission)
    chain.batch.submit_job(**{**submission, "jobName": submission["jobName"].upper()})
    chain.settle(2 * LEASE)

    job = chain.run(run_id).job
    assert job is not None
    assert job.id == "job-1"


def test_a_job_of_nearly_the_same_name_is_not_adopted(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER)
    run_id = chain.push()
    chain.settle()
    job = chain.run(run_id).job
    assert job is not None
    chain.batch.submit_job(jobName=job.name.upper(), jobQueue=job.queue, parameters={})
    chain.settle(2 * LEASE)

    assert len(chain.batch.submissions) == 2
    assert chain.batch.submissions[1]["jobName"] == job.name
    after = chain.run(run_id).job
    assert after is not None
    assert after.id == "job-2"


def test_an_adopted_job_that_has_ended_already_ends_the_run_when_batch_is_asked(
    chain: Chain,
) -> None:
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    run_id = chain.push()
    chain.settle()
    chain.batch.move("job-1", "SUCCEEDED", attempts=[ended_try(exitCode=0)])
    chain.settle(2 * LEASE)
    assert chain.run(run_id).state == "submitted"

    chain.settle(LEASE)
    chain.reconcile()

    assert chain.run(run_id).state == "succeeded"


def test_a_stop_asked_for_while_the_answer_was_unclear_ends_the_adopted_job(chain: Chain) -> None:
    chain.batch.stale_seconds = STALE
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    run_id = chain.push()
    chain.settle()
    chain.stop(run_id)
    assert chain.batch.terminated == []

    chain.settle(2 * LEASE)

    assert chain.batch.terminated == [("job-1", "stopped by Someone: too slow")]
    chain.hear(chain.batch.event("job-1"))
    assert chain.status["state"] == "STOPPED"


def test_a_stop_that_found_no_job_ends_one_that_appears_later(chain: Chain) -> None:
    chain.batch.stale_seconds = 10 * LEASE
    chain.batch.fail_next("submit_job", NO_ANSWER, done=True)
    run_id = chain.push()
    chain.settle()
    chain.stop(run_id)
    chain.settle(2 * LEASE)
    assert chain.run(run_id).state == "stopped"
    assert chain.live_jobs() == ["job-1"]

    chain.hear(chain.batch.event("job-1", status="RUNNABLE"))

    assert chain.live_jobs() == []
    assert chain.status["state"] == "STOPPED"


def test_a_submitter_cut_off_before_it_looked_for_a_stop_looks_when_it_is_asked_again(
    chain: Chain,
) -> None:
    run_id = chain.push()
    chain.settle()
    stop = Stop(by="Someone", why="too slow", attempt=1, at=chain.clock())
    chain.runs.change(run_id, lambda run: run.changed(stop=stop))
    ask_again(chain)
    chain.settle()

    assert chain.live_jobs() == []


def test_a_submitter_cut_off_before_it_published_publishes_when_it_is_asked_again(
    chain: Chain,
) -> None:
    run_id = chain.push()
    chain.batch.before_next("submit_job", lambda: setattr(chain, "publishing_crashes", 1))
    chain.settle()
    assert chain.run(run_id).state == "submitted"
    assert told(chain) == ["requested"]

    chain.settle(200)

    assert told(chain) == ["requested", "submitted"]
    assert len(chain.batch.submissions) == 1


def told(chain: Chain) -> list[str]:
    return [event.state for event in chain.events if isinstance(event, RunStateChanged)]


def test_a_request_whose_record_does_not_exist_is_a_bug(chain: Chain) -> None:
    run_id = chain.push()

    with pytest.raises(LookupError, match="has no record"):
        submit(RunRequested(run_id=run_id), chain.submitting)


def test_definitions_are_asked_for_once_a_minute_and_a_missing_one_each_time(
    chain: Chain,
) -> None:
    exists = chain.submitting.definitions.exists
    name = NAMES.job_definition(REPOSITORY.slug)
    asked: list[int] = []
    for _ in range(3):
        chain.batch.before_next("describe_job_definitions", lambda: asked.append(1))
        assert exists(name)
    assert len(asked) == 1
    chain.clock.advance(60)
    assert exists(name)
    assert len(asked) == 3  # those that were waiting, at one call

    assert not exists("missing")
    chain.batch.definitions.add("missing")
    assert exists("missing")


def test_a_definition_that_goes_within_the_minute_is_missed_at_the_next_delivery(
    chain: Chain,
) -> None:
    assert chain.submitting.definitions.exists(NAMES.job_definition(REPOSITORY.slug))
    chain.batch.definitions.clear()
    chain.batch.fail_next("submit_job", refusal("ClientException", 400))
    run_id = chain.push()

    chain.settle(3 * UNSEEN_SECONDS)

    assert chain.run(run_id).state == "rejected"
    assert "add the project, then rerun" in str(chain.run(run_id).reason)


def test_a_batch_that_is_away_when_it_is_asked_is_asked_again(chain: Chain) -> None:
    chain.batch.fail_next("describe_job_definitions", refusal("ServerException", 500))
    run_id = chain.push()
    chain.settle(2 * LEASE)

    assert_one_job_that_the_record_follows(chain, run_id)


@pytest.mark.parametrize(
    ("keyword", "queue"),
    [("", JOB_QUEUE), (":ACME_GPUS: 0\n", JOB_QUEUE), (":ACME_GPUS:\n", GPU_JOB_QUEUE)],
)
def test_only_a_job_with_gpus_goes_to_the_queue_of_machines_that_have_them(
    chain: Chain, keyword: str, queue: str
) -> None:
    chain.push(f"Train\n\n:ACME_RUN:\n{keyword}")

    chain.settle(5)

    [run] = chain.runs.latest("submitted")
    assert run.job is not None
    assert run.job.queue == queue
    assert [job["jobQueue"] for job in chain.batch.jobs.values()] == [queue]
