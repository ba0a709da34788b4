"""Why a job ended or waits, in the words that its run keeps."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.notifier.statuses import describe
from shared.batch_jobs import JobDetail
from shared.exits import Exit, words
from shared.following import follow
from shared.runs import Run, Stop
from tests.samples import (
    JOB_QUEUE,
    NOW,
    RUN_ID,
    a_job,
    a_run,
    described,
    ended_try,
    minutes,
    payload,
    payload_files,
)

SUBMITTED = a_run(state="submitted", job=a_job(job_id="job-1"))
STOPPING = SUBMITTED.changed(stop=Stop(by="Someone", why="too slow", attempt=1, at=NOW))


def end(job: JobDetail, run: Run = SUBMITTED) -> tuple[str, str | None, int | None]:
    after = follow(run, job, NOW)
    return after.state, after.reason, after.exit_code


def ours(detail: dict[str, Any]) -> JobDetail:
    """A payload's job, as if it were the job of our run."""
    return JobDetail.model_validate(
        {
            **detail,
            "jobId": "job-1",
            "jobName": a_job().name,
            "jobQueue": JOB_QUEUE,
            "parameters": {"runId": RUN_ID, "attempt": "1"},
        }
    )


PULL = (
    "image pull: there is no such image: cloud-runner image push team/churn-model, then rerun: "
    "CannotPullContainerError: Error response from daemon: manifest for "
    "<redacted>/nf-batch-tag:Infinity not found: manifest unknown: Requested image not found"
)
ENDS = {
    "batch_events/awsdocs_2017_RUNNABLE": ("submitted", None, None),
    "batch_events/awsdocs_2022_RUNNABLE": ("submitted", None, None),
    "batch_events/awsdocs_JobQueueBlocked": ("submitted", None, None),
    "batch_events/ec2_FAILED_exit0_captured": ("succeeded", None, 0),
    "batch_events/ec2_SUCCEEDED_2017_captured": ("succeeded", None, 0),
    "batch_events_derived/FAILED_array_parent": ("failed", "Array Child Job failed", None),
    "batch_events_derived/FAILED_cannot_pull_container": ("failed", PULL, None),
    "batch_events_derived/FAILED_host_ec2_terminated_2_attempts": (
        "failed",
        "spot interruption: the machine was taken away (2 tries)",
        None,
    ),
    "batch_events_derived/FAILED_out_of_memory": (
        "failed",
        "out of memory: ask for more with the MEMORY keyword",
        137,
    ),
    # Somebody ended it, and its last try had ended with 0 before: "succeeded, whatever was asked".
    "batch_events_derived/FAILED_terminated_by_user_free_text": ("succeeded", None, 0),
    "batch_events_derived/FAILED_timeout": (
        "failed",
        "it ran longer than the job's timeout allows",
        None,
    ),
    "batch_events_derived/SUCCEEDED_after_host_ec2_terminated": ("succeeded", None, 0),
    "batch_events_derived/status_FAILED": ("failed", "exit code 1", 1),
    "batch_events_derived/status_PENDING": ("submitted", None, None),
    "batch_events_derived/status_RUNNABLE": ("submitted", None, None),
    "batch_events_derived/status_RUNNING": ("running", None, None),
    "batch_events_derived/status_STARTING": ("submitted", None, None),
    "batch_events_derived/status_SUBMITTED": ("submitted", None, None),
    "batch_events_derived/status_SUCCEEDED": ("succeeded", None, 0),
}
# A child of an array and a job of another service: no jobs of ours.
NOT_OURS = {
    "batch_events/awsdocs_ServiceJobQueueBlocked",
    "batch_events_derived/FAILED_array_child",
}


@pytest.mark.parametrize("name", ENDS)
def test_every_event_of_batch_becomes_its_state_and_reason(name: str) -> None:
    assert end(ours(payload(f"aws/{name}.json")["detail"])) == ENDS[name]


def test_every_batch_payload_is_in_the_table() -> None:
    files = payload_files("aws/batch_events") + payload_files("aws/batch_events_derived")

    assert {file.removeprefix("aws/").removesuffix(".json") for file in files} == (
        ENDS.keys() | NOT_OURS
    )


def test_a_job_without_our_parameter_and_a_child_of_an_array_have_no_run() -> None:
    child = payload("aws/batch_events_derived/FAILED_array_child.json")["detail"]
    child["parameters"] = {"runId": RUN_ID}

    assert JobDetail.model_validate(child).run_id is None
    assert described("RUNNING", parameters={}).run_id is None
    assert described("RUNNING", parameters={"runId": ""}).run_id is None
    assert described("RUNNING", parameters={"runId": "x" * 3000}).run_id is None


@pytest.mark.parametrize("entry", payload("aws/batch_status_reasons.json"))
def test_every_reason_that_batch_is_known_to_give_is_kept_in_words(entry: dict[str, Any]) -> None:
    container = {"reason": entry["reason"]} if "reason" in entry else {}
    said = entry["text"]
    if "container.reason" in entry["where"] and "statusReason" not in entry["where"]:
        container, said = {"reason": said}, "Essential container in task exited"
    job = described("FAILED", statusReason=said, attempts=[ended_try(**container)])

    state, reason, _ = end(job)

    assert state == "failed"
    assert reason
    assert reason != "Essential container in task exited"
    assert len(reason) < 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dependent Job failed", "Dependent Job failed"),
        ("JobQueue deleted", "JobQueue deleted"),
        (
            "Container Overrides length must be at most 8192",
            "Container Overrides length must be at most 8192",
        ),
        ("Essential container in task exited", "Batch gave no reason"),
        ("", "Batch gave no reason"),
    ],
)
def test_a_reason_of_another_kind_is_kept_as_batch_says_it(text: str, expected: str) -> None:
    assert end(described("FAILED", statusReason=text)) == ("failed", expected, None)


@pytest.mark.parametrize("reason", ["OutOfMemoryError: Container killed", "outofmemory: killed"])
def test_out_of_memory_is_told_in_any_case(reason: str) -> None:
    job = described("FAILED", attempts=[ended_try(exitCode=137, reason=reason)])

    assert end(job)[1] == "out of memory: ask for more with the MEMORY keyword"


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme/churn-model"
NOT_PULLED = "CannotPullContainerError: "


@pytest.mark.parametrize(
    "said",
    [
        f"pull image manifest has been retried 1 time(s): failed to resolve ref {ECR}:1: not found",
        f'failed to resolve reference "{ECR}:1": {ECR}:1: not found',
        f"manifest for {ECR}:latest not found",
        "name unknown: The repository with name 'acme/churn-model' does not exist in the registry",
    ],
)
def test_an_image_that_nobody_has_pushed_is_told_with_the_command_that_pushes_it(said: str) -> None:
    job = described(
        "FAILED",
        statusReason="Task failed to start",
        attempts=[ended_try(reason=NOT_PULLED + said)],
    )
    after = follow(SUBMITTED, job, NOW)
    nowhere = follow(SUBMITTED.changed(repository=None), job, NOW)

    assert "cloud-runner image push team/churn-model, then rerun" in describe(after)[:255]
    assert "cloud-runner image push WORKSPACE/SLUG" in describe(nowhere)
    assert said in (after.reason or "")


@pytest.mark.parametrize(
    "said",
    [
        "Error response from daemon: toomanyrequests: Rate exceeded",
        "pull access denied for x, repository does not exist or may require 'docker login'",
        "failed to resolve ref x: dial tcp 10.0.3.17:443: i/o timeout",
        "failed to extract layer: open /var/lib/containerd/io:1: not found",
        "pull image manifest has been retried 1 time(s): lookup ecr.amazonaws.com: not found",
        "failed to do request: Head https://example.com/v2/x:443: not found",
        "snapshot 7 does not exist: not found",
    ],
)
def test_an_image_that_was_not_pulled_for_another_reason_is_not_pushed_again(said: str) -> None:
    job = described(
        "FAILED",
        statusReason="Task failed to start",
        attempts=[ended_try(reason=NOT_PULLED + said)],
    )

    assert end(job)[1] == f"image pull: {NOT_PULLED}{said}"


def test_exit_code_137_without_a_reason_is_often_out_of_memory() -> None:
    job = described("FAILED", attempts=[ended_try(exitCode=137)])

    assert end(job)[1:] == ("exit code 137: killed, which often means out of memory", 137)


@pytest.mark.parametrize("code", [code for code in Exit if code is not Exit.DONE])
def test_a_cause_that_the_jobs_program_names_is_told_in_words(code: Exit) -> None:
    said = words(code)
    job = described("FAILED", attempts=[ended_try(exitCode=int(code))])
    lost = ended_try(statusReason="Host EC2 (instance i-0) terminated.")
    again = described("FAILED", attempts=[lost, ended_try(exitCode=int(code))])

    assert end(job) == ("failed", f"{said} (exit code {code:d})", code)
    assert end(again) == ("failed", f"{said} (exit code {code:d}, 2 tries)", code)


@pytest.mark.parametrize("code", [1, 2, 63, 76, 126, 127, 130, 251, 255])
def test_any_other_exit_code_is_told_as_it_is(code: int) -> None:
    lost = ended_try(statusReason="Host EC2 (instance i-0) terminated.")
    job = described("FAILED", attempts=[lost, ended_try(exitCode=code)])

    assert end(job) == ("failed", f"exit code {code} (2 tries)", code)


@pytest.mark.parametrize("attempt", [1, 98765])
@pytest.mark.parametrize("code", [code for code in Exit if code is not Exit.DONE])
def test_the_status_shows_all_that_is_said_of_an_exit_code(code: Exit, attempt: int) -> None:
    run = a_run(attempt=attempt, state="submitted", job=a_job(attempt, "job-1"))
    tries = [ended_try(exitCode=int(code))] * 10

    after = follow(run, described("FAILED", attempt=attempt, attempts=tries), NOW)

    assert after.state == "failed"
    assert describe(after).endswith(f"(exit code {code:d}, 10 tries)")
    assert len(describe(after)) <= 255


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"attempts": [ended_try(exitCode=143, statusReason="Host EC2 (instance i-0) gone.")]},
            ("failed", "spot interruption: the machine was taken away"),
        ),
        (
            {"statusReason": "Job attempt duration exceeded timeout"},
            ("failed", "it ran longer than the job's timeout allows"),
        ),
        (
            {"statusReason": "enough", "isTerminated": True},
            ("stopped", "stopped from outside: enough"),
        ),
    ],
)
def test_who_interrupted_says_more_than_that_it_was_interrupted(
    fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    said = fields.get("statusReason") or "Host EC2 (instance i-0) terminated."
    tried = {"attempts": [ended_try(exitCode=143)], "statusReason": said, **fields}

    assert end(described("FAILED", **tried))[:2] == expected


def test_exit_code_0_is_a_success_whatever_was_asked() -> None:
    job = described("FAILED", statusReason="stopped", attempts=[ended_try(exitCode=0)])

    assert end(job, STOPPING) == ("succeeded", None, 0)
    assert end(described("SUCCEEDED"), STOPPING)[0] == "succeeded"


@pytest.mark.parametrize(
    "fields",
    [
        {"statusReason": "stopped by Someone: too slow", "isTerminated": True},
        {"statusReason": "Job attempt duration exceeded timeout"},
        {"attempts": [ended_try(exitCode=1)]},
        {"attempts": [ended_try(exitCode=143)], "isTerminated": True},
    ],
)
def test_failed_with_a_stop_request_is_stopped_by_whom_and_why(fields: dict[str, Any]) -> None:
    state, reason, _ = end(described("FAILED", **fields), STOPPING)

    assert (state, reason) == ("stopped", "stopped by Someone: too slow")


def test_a_request_to_stop_an_earlier_attempt_stops_no_later_one() -> None:
    run = a_run(attempt=2, state="submitted", job=a_job(2, "job-1"), stop=STOPPING.stop)
    job = described("FAILED", attempt=2, attempts=[ended_try(exitCode=1)])

    assert end(job, run)[:2] == ("failed", "exit code 1")


@pytest.mark.parametrize("flag", ["isTerminated", "isCancelled"])
def test_terminated_or_cancelled_without_a_request_is_stopped_from_outside(flag: str) -> None:
    ended: dict[str, Any] = {"statusReason": "wrong data \u2603", flag: True}
    job = described("FAILED", **ended)

    assert end(job)[:2] == ("stopped", "stopped from outside: wrong data \u2603")


def test_a_timeout_or_a_queues_time_limit_is_a_failure_though_batch_ended_the_job() -> None:
    timeout = "Job attempt duration exceeded timeout"
    limit = (
        "Canceled by JobStateTimeLimit action due to reason: "
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    )

    assert end(described("FAILED", statusReason=timeout, isTerminated=True))[0] == "failed"
    assert end(described("FAILED", statusReason=limit, isCancelled=True))[:2] == (
        "failed",
        "it waited longer than the job queue allows: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    )


def test_a_very_long_reason_is_cut() -> None:
    reason = end(described("FAILED", statusReason="x" * 100_000))[1]

    assert reason is not None
    assert len(reason) <= 1000


WAITS = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too much"


def blocked(reason: str = WAITS, status: str = "RUNNABLE") -> JobDetail:
    return described(status, statusReason=reason)


def test_a_blocked_reason_is_shown_once_it_has_lasted_ten_minutes() -> None:
    first = follow(SUBMITTED, blocked(), NOW)
    soon = follow(first, blocked(), NOW + minutes(9.99))
    later = follow(soon, blocked(), NOW + minutes(10))

    assert first.state == "submitted"
    assert first.blocked is not None
    assert not first.blocked.shown
    assert soon is first
    assert later.blocked is not None
    assert later.blocked.shown
    assert later.blocked.reason == WAITS
    assert follow(later, blocked(), NOW + minutes(11)) is later


def test_ten_minutes_count_from_the_first_of_changing_reasons() -> None:
    run = follow(SUBMITTED, blocked("UNDETERMINED"), NOW)
    run = follow(run, blocked(), NOW + minutes(12))

    assert run.blocked is not None
    assert (run.blocked.reason, run.blocked.shown) == (WAITS, True)


@pytest.mark.parametrize("status", ["STARTING", "RUNNING", "SUCCEEDED", "FAILED"])
def test_a_job_that_starts_is_blocked_no_more(status: str) -> None:
    run = follow(SUBMITTED, blocked(), NOW)

    assert follow(run, blocked(status=status), NOW + minutes(1)).blocked is None


def test_blocked_never_ends_a_run_by_itself() -> None:
    run = SUBMITTED
    for hours in range(48):
        run = follow(run, blocked(), NOW + minutes(60 * hours))

    assert run.state == "submitted"


@pytest.mark.parametrize(
    "fields",
    [
        {"startedAt": 10**20},
        {"stoppedAt": 253_402_300_800_000},
        {"stoppedAt": -1},
        {"jobId": "x" * 500_000},
        {"container": {"exitCode": 10**40}},
        {"container": {"logStreamName": "x" * 500_000}},
        {"arrayProperties": {"statusSummary": {"FAILED": 10**40}}},
    ],
)
def test_what_no_record_could_hold_is_no_description_of_a_job(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        described("FAILED", **fields)
