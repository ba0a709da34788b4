"""A job's changes: tries, retries, arrays, and what Batch shows of them."""

from collections import Counter

import pytest

from local.batch.jobs import ENDED, TIMED_OUT, ArrayProperties, Job, Outcome, lost_with
from local.batch.requests import SubmitJob, parse
from local.batch.shapes import (
    AttemptContainer,
    Container,
    Document,
    EvaluateOnExit,
    RetryStrategy,
    Status,
)

JOB = Job(
    job_arn="arn:aws:batch:eu-west-1:123456789012:job/j",
    job_name="job",
    job_id="j",
    job_queue="arn:aws:batch:eu-west-1:123456789012:job-queue/q",
    job_definition="arn:aws:batch:eu-west-1:123456789012:job-definition/d:1",
    created_at=1,
    container=Container(image="none", command=("true",)),
)
WHERE = AttemptContainer(task_arn="arn:aws:ecs:eu-west-1:123456789012:task/t", log_stream_name="l")

SPOT_ONLY = RetryStrategy(
    attempts=3,
    evaluate_on_exit=(
        EvaluateOnExit(on_status_reason="Host EC2*", action="retry"),
        EvaluateOnExit(on_reason="*", action="EXIT"),
    ),
)


def ended(job: Job, outcome: Outcome) -> Job:
    return job.starting(WHERE, "i-0").running(now=2).ended(outcome, now=3)


def test_a_try_that_exits_with_0_succeeds() -> None:
    after = ended(JOB, Outcome(ENDED, 0))

    assert after.status is Status.SUCCEEDED
    assert (after.started_at, after.stopped_at) == (2, 3)
    assert after.attempts[0].document() == {
        "container": {
            "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/t",
            "exitCode": 0,
            "logStreamName": "l",
            "networkInterfaces": [],
        },
        "startedAt": 2,
        "stoppedAt": 3,
        "statusReason": "Essential container in task exited",
    }


def test_a_job_is_tried_as_often_as_its_strategy_says() -> None:
    job = JOB.changed(retry_strategy=RetryStrategy(attempts=2))
    once = ended(job, Outcome(ENDED, 1))
    twice = ended(once, Outcome(ENDED, 1))

    assert (once.status, len(once.attempts), once.started_at) == (Status.RUNNABLE, 1, None)
    assert (twice.status, len(twice.attempts)) == (Status.FAILED, 2)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (lost_with("i-0"), Status.RUNNABLE),
        (Outcome(ENDED, 1), Status.FAILED),
        (Outcome(ENDED, 137, "OutOfMemoryError: Container killed"), Status.FAILED),
        (Outcome(TIMED_OUT, 137, may_retry=False), Status.FAILED),
    ],
)
def test_only_a_lost_machine_is_retried_where_the_rules_say_so(
    outcome: Outcome, status: Status
) -> None:
    assert ended(JOB.changed(retry_strategy=SPOT_ONLY), outcome).status is status


@pytest.mark.parametrize(
    ("rule", "retried"),
    [
        (EvaluateOnExit(on_exit_code="1*", action="EXIT"), False),
        (EvaluateOnExit(on_exit_code="1", action="EXIT"), True),
        (EvaluateOnExit(on_exit_code="137", on_reason="Out*", action="EXIT"), False),
        (EvaluateOnExit(on_exit_code="137", on_reason="Other*", action="EXIT"), True),
        (EvaluateOnExit(on_status_reason="Essential*", action="exit"), False),
    ],
)
def test_a_rule_holds_when_all_of_its_conditions_do_and_without_one_the_job_is_tried_again(
    rule: EvaluateOnExit, retried: bool
) -> None:
    job = JOB.changed(retry_strategy=RetryStrategy(attempts=2, evaluate_on_exit=(rule,)))
    after = ended(job, Outcome(ENDED, 137, "OutOfMemoryError: Container killed"))

    assert (after.status is Status.RUNNABLE) is retried


def test_a_terminated_job_fails_with_the_given_reason_and_is_not_retried() -> None:
    job = JOB.changed(retry_strategy=RetryStrategy(attempts=3))
    running = job.starting(WHERE, "i-0").running(now=2)
    asked = running.changed(is_terminated=True, status_reason="not needed")
    after = asked.ended(Outcome(ENDED, 143), now=3)

    assert (after.status, after.status_reason) == (Status.FAILED, "not needed")
    assert after.attempts[0].status_reason == ENDED


def test_the_container_shows_its_log_stream_while_it_runs_and_its_exit_code_afterwards() -> None:
    starting = JOB.starting(WHERE, "i-0")
    failed = starting.running(2).ended(Outcome(ENDED, 1, "x" * 300), 3)
    waiting = ended(JOB.changed(retry_strategy=RetryStrategy(attempts=2)), Outcome(ENDED, 1))

    assert container_of(starting)["logStreamName"] == "l"
    assert container_of(failed)["exitCode"] == 1
    assert container_of(failed)["reason"] == "x" * 255
    assert "exitCode" not in container_of(waiting)


def test_the_endpoints_own_notes_are_not_shown() -> None:
    shown = JOB.starting(WHERE, "i-0").detail()

    assert not {"instance", "runningOn", "arrayParent", "refusedBecause"} & set(shown)


def test_an_array_ends_with_the_last_of_its_children() -> None:
    parent = JOB.changed(status=Status.PENDING, array_properties=ArrayProperties(size=3))
    still = Counter({Status.SUCCEEDED: 2, Status.RUNNING: 1})
    failed = Counter({Status.SUCCEEDED: 2, Status.FAILED: 1})

    assert parent.rolled_up(still, 9) is parent
    assert parent.rolled_up(Counter({Status.SUCCEEDED: 3}), 9).status is Status.SUCCEEDED
    assert parent.rolled_up(failed, 9).status_reason == "Array Child Job failed"


def test_an_array_counts_its_children_in_every_state() -> None:
    parent = JOB.changed(array_properties=ArrayProperties(size=2))
    shown = parent.detail({Status.RUNNING: 2})["arrayProperties"]

    assert shown == {
        "size": 2,
        "statusSummary": {status: 2 if status == "RUNNING" else 0 for status in Status},
    }


def test_a_job_survives_being_written_and_read() -> None:
    job = ended(JOB.changed(retry_strategy=SPOT_ONLY, array_parent="p"), lost_with("i-0"))

    assert Job.model_validate_json(job.model_dump_json(by_alias=True)) == job


def test_members_that_the_endpoint_does_not_read_pass_through() -> None:
    container = Container.model_validate({"image": "i", "linuxParameters": {"initProcess": True}})

    assert container_of(JOB.changed(container=container))["linuxParameters"] == {
        "initProcess": True
    }


def test_a_request_needs_no_more_than_names() -> None:
    asked = parse(SubmitJob, {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"})

    assert asked.container_overrides.environment == ()


def container_of(job: Job) -> Document:
    shown = job.detail()["container"]
    assert isinstance(shown, dict)
    return shown
