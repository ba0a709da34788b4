"""Arrays on the endpoint: their children's tries, their ends, and their place in the line."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.batch_endpoint import RunningEndpoint, started, wait_for

MOST = 10_000
TIME_SCALE = 0.005
SLEEP = ["sleep", "600"]
ALL_AGAIN = {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "RETRY"}]}
LOST_AGAIN = {
    "attempts": 3,
    "evaluateOnExit": [
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ],
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEndpoint]:
    options = ("--slots=2", f"--time-scale={TIME_SCALE}")
    with started(tmp_path_factory.mktemp("batch"), *options) as endpoint:
        yield endpoint


@pytest.fixture
def paused(endpoint: RunningEndpoint) -> Iterator[RunningEndpoint]:
    endpoint.control("POST", "queues/queue", {"paused": True})
    yield endpoint
    endpoint.control("POST", "queues/queue", {"paused": False})


def summary(detail: Any) -> dict[str, int]:
    """How many children are in which state."""
    found = detail["arrayProperties"]["statusSummary"]
    return {status: count for status, count in found.items() if count}


def children(endpoint: RunningEndpoint, parent_id: str, *indexes: int) -> list[Any]:
    found = endpoint.batch.describe_jobs(jobs=[f"{parent_id}:{index}" for index in indexes])
    details: list[Any] = found["jobs"]
    return details


def queued(endpoint: RunningEndpoint, parent_id: str, size: int) -> Any:
    """The parent's detail once every child of it waits for a slot."""
    return wait_for(
        lambda: one if summary(one := endpoint.job(parent_id)) == {"RUNNABLE": size} else None
    )


def test_the_largest_array_is_queued_listed_and_terminated(paused: RunningEndpoint) -> None:
    paused.define(["true"])
    parent_id = paused.submit(arrayProperties={"size": MOST})
    parent = queued(paused, parent_id, MOST)
    pages = list(
        paused.batch.get_paginator("list_jobs").paginate(
            arrayJobId=parent_id, jobStatus="RUNNABLE", PaginationConfig={"MaxItems": 250}
        )
    )
    listed = [one["arrayProperties"]["index"] for page in pages for one in page["jobSummaryList"]]
    paused.batch.terminate_job(jobId=parent_id, reason="enough")
    ended = paused.ended(parent_id)
    first, last = children(paused, parent_id, 0, MOST - 1)

    assert parent["status"] == "PENDING"
    assert listed == list(range(250))
    assert (ended["status"], ended["statusReason"]) == ("FAILED", "enough")
    assert summary(ended) == {"FAILED": MOST}
    assert (first["status"], first["statusReason"], first["attempts"]) == ("FAILED", "enough", [])
    assert last["jobId"] == f"{parent_id}:{MOST - 1}"
    assert last["jobArn"] == f"{ended['jobArn']}:{MOST - 1}"


def test_each_child_is_tried_with_its_index_its_arrays_size_and_a_log_of_its_own(
    endpoint: RunningEndpoint,
) -> None:
    variables = "$AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE, $AWS_BATCH_JOB_ID"
    endpoint.define(["sh", "-c", f'echo "{variables}"'])
    parent = endpoint.ended(endpoint.submit(arrayProperties={"size": 3}))
    parent_id = parent["jobId"]
    details = children(endpoint, parent_id, 0, 1, 2)

    assert (parent["status"], summary(parent)) == ("SUCCEEDED", {"SUCCEEDED": 3})
    assert "logStreamName" not in parent["container"]
    assert [endpoint.output(one) for one in details] == [
        f"{index} of 3, {parent_id}:{index}\n" for index in range(3)
    ]
    assert len({one["container"]["logStreamName"] for one in details}) == 3


def test_the_request_decides_how_often_each_child_is_tried(endpoint: RunningEndpoint) -> None:
    # Child 0 succeeds at once, child 1 at its second try, child 2 never.
    command = "test $AWS_BATCH_JOB_ARRAY_INDEX -lt $AWS_BATCH_JOB_ATTEMPT"
    endpoint.define(["sh", "-c", command], retryStrategy={"attempts": 1})
    array = {"size": 3}
    parent = endpoint.ended(endpoint.submit(arrayProperties=array, retryStrategy=ALL_AGAIN))
    details = children(endpoint, parent["jobId"], 0, 1, 2)

    assert (parent["status"], parent["statusReason"]) == ("FAILED", "Array Child Job failed")
    assert summary(parent) == {"SUCCEEDED": 2, "FAILED": 1}
    assert [len(one["attempts"]) for one in details] == [1, 2, 2]
    assert details[2]["retryStrategy"] == ALL_AGAIN


def test_a_childs_time_is_its_own_and_the_others_go_on(endpoint: RunningEndpoint) -> None:
    endpoint.define(["sh", "-c", "test $AWS_BATCH_JOB_ARRAY_INDEX != 0 || exec sleep 600"])
    parent = endpoint.ended(
        endpoint.submit(arrayProperties={"size": 3}, timeout={"attemptDurationSeconds": 2000})
    )
    details = children(endpoint, parent["jobId"], 0, 1, 2)

    assert [one["status"] for one in details] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert details[0]["statusReason"] == "Job attempt duration exceeded timeout"


def test_terminating_an_array_ends_who_runs_and_who_waits(endpoint: RunningEndpoint) -> None:
    endpoint.define(SLEEP)
    parent_id = endpoint.submit(arrayProperties={"size": 100}, retryStrategy=ALL_AGAIN)
    for index in (0, 1):
        endpoint.in_status(f"{parent_id}:{index}", "RUNNING")
    endpoint.batch.terminate_job(jobId=parent_id, reason="stopped by Someone")
    parent = endpoint.ended(parent_id)
    ran, waited = children(endpoint, parent_id, 0, 99)

    assert (parent["statusReason"], parent["isTerminated"]) == ("stopped by Someone", True)
    assert summary(parent) == {"FAILED": 100}
    assert (ran["isTerminated"], len(ran["attempts"])) == (True, 1)
    assert (waited["isCancelled"], len(waited["attempts"])) == (True, 0)
    assert {ran["statusReason"], waited["statusReason"]} == {"stopped by Someone"}


def test_one_child_can_be_terminated_alone(paused: RunningEndpoint) -> None:
    paused.define(["true"])
    parent_id = paused.submit(arrayProperties={"size": 3})
    queued(paused, parent_id, 3)
    paused.batch.terminate_job(jobId=f"{parent_id}:1", reason="not this one")
    left = summary(paused.job(parent_id))
    paused.control("POST", "queues/queue", {"paused": False})
    parent = paused.ended(parent_id)

    assert left == {"RUNNABLE": 2, "FAILED": 1}
    assert summary(parent) == {"SUCCEEDED": 2, "FAILED": 1}


def test_a_job_and_an_array_wait_for_an_array(paused: RunningEndpoint) -> None:
    paused.define(["true"])
    needed = paused.submit(arrayProperties={"size": 2})
    job_id = paused.submit(dependsOn=[{"jobId": needed}])
    array_id = paused.submit(dependsOn=[{"jobId": needed}], arrayProperties={"size": 2})
    waiting = [paused.in_status(job_id, "PENDING"), paused.in_status(array_id, "PENDING")]
    paused.control("POST", "queues/queue", {"paused": False})
    ended = [paused.ended(one) for one in (needed, job_id, array_id)]

    assert summary(waiting[1]) == {"PENDING": 2}
    assert {one["status"] for one in ended} == {"SUCCEEDED"}
    assert ended[0]["stoppedAt"] <= ended[1]["startedAt"]


def test_what_waits_for_an_array_fails_with_it(endpoint: RunningEndpoint) -> None:
    endpoint.define(["false"])
    needed = endpoint.submit(arrayProperties={"size": 2})
    array_id = endpoint.submit(dependsOn=[{"jobId": needed}], arrayProperties={"size": 2})
    parent = endpoint.ended(array_id)
    (child,) = children(endpoint, array_id, 1)

    assert summary(parent) == {"FAILED": 2}
    assert child["statusReason"] == "Dependent Job failed"


def test_overrides_that_are_too_long_fail_every_child(endpoint: RunningEndpoint) -> None:
    endpoint.define(["true"])
    overrides = {"environment": [{"name": "LONG", "value": "x" * 8192}]}
    parent = endpoint.ended(
        endpoint.submit(arrayProperties={"size": 3}, containerOverrides=overrides)
    )
    (child,) = children(endpoint, parent["jobId"], 2)

    assert summary(parent) == {"FAILED": 3}
    assert child["statusReason"] == "Container Overrides length must be at most 8192"


def test_an_array_goes_on_after_the_endpoint_was_killed_in_its_middle(tmp_path: Path) -> None:
    again, size = tmp_path / "again", 6
    # The first try of child 1 lasts until its machine is gone.
    command = f"test $AWS_BATCH_JOB_ARRAY_INDEX != 1 -o -e {again} || exec sleep 600"
    with started(tmp_path / "state", "--slots=1") as endpoint:
        endpoint.define(["sh", "-c", command])
        retried = endpoint.submit(arrayProperties={"size": size}, retryStrategy=LOST_AGAIN)
        endpoint.in_status(f"{retried}:1", "RUNNING")
        endpoint.process.send_signal(signal.SIGQUIT)
        endpoint.process.wait(60)
    again.touch()
    with started(tmp_path / "state", "--slots=1", with_queue=False) as endpoint:
        parent = endpoint.ended(retried)
        details = children(endpoint, retried, *range(size))

    assert (parent["status"], summary(parent)) == ("SUCCEEDED", {"SUCCEEDED": size})
    assert [len(one["attempts"]) for one in details] == [1, 2, 1, 1, 1, 1]
    assert details[1]["attempts"][0]["statusReason"].startswith("Host EC2 (instance i-")


def test_a_lost_child_fails_by_its_rules_and_the_others_go_on(tmp_path: Path) -> None:
    command = "test $AWS_BATCH_JOB_ARRAY_INDEX != 0 || exec sleep 600"
    with started(tmp_path, "--slots=1") as endpoint:
        endpoint.define(["sh", "-c", command])
        parent_id = endpoint.submit(arrayProperties={"size": 3})
        endpoint.in_status(f"{parent_id}:0", "RUNNING")
        endpoint.process.send_signal(signal.SIGQUIT)
        endpoint.process.wait(60)
    with started(tmp_path, "--slots=1", with_queue=False) as endpoint:
        parent = endpoint.ended(parent_id)

    assert (parent["status"], summary(parent)) == ("FAILED", {"FAILED": 1, "SUCCEEDED": 2})


def test_a_commits_job_is_not_behind_the_children_of_a_sweep(tmp_path: Path) -> None:
    with started(tmp_path, "--slots=1", with_queue=False) as endpoint:
        weights = [
            {"shareIdentifier": "commits", "weightFactor": 1},
            {"shareIdentifier": "sweep*", "weightFactor": 4},
        ]
        policy = endpoint.batch.create_scheduling_policy(
            name="shares", fairsharePolicy={"shareDistribution": weights}
        )
        endpoint.batch.create_compute_environment(
            computeEnvironmentName="machines", type="UNMANAGED"
        )
        endpoint.batch.create_job_queue(
            jobQueueName="queue",
            priority=1,
            schedulingPolicyArn=policy["arn"],
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "machines"}],
        )
        endpoint.define(["sh", "-c", "exec sleep 0.1"], schedulingPriority=0)
        sweep = endpoint.submit(arrayProperties={"size": 1000}, shareIdentifier="sweep4f2a")
        wait_for(lambda: summary(endpoint.job(sweep)).get("SUCCEEDED"))
        endpoint.ended(endpoint.submit(shareIdentifier="commits"))
        done = summary(endpoint.job(sweep)).get("SUCCEEDED", 0)
        endpoint.batch.terminate_job(jobId=sweep, reason="enough")

    assert done < 500
