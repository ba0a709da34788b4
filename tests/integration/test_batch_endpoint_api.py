"""The endpoint's answers, as a real boto3 client sees them; the queue is paused, no job runs."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.integration.batch_endpoint import (
    REQUIREMENTS,
    RunningEndpoint,
    make_queue,
    started,
    wait_for,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEndpoint]:
    with started(tmp_path_factory.mktemp("batch")) as endpoint:
        endpoint.control("POST", "queues/queue", {"paused": True})
        yield endpoint


@pytest.fixture
def endpoint(shared: RunningEndpoint, request: pytest.FixtureRequest) -> RunningEndpoint:
    shared.control("DELETE", "calls")
    return shared


def names(pages: Any, member: str) -> list[str]:
    return [job["jobName"] for page in pages for job in page[member]]


def refused(call: Any, **request: Any) -> Any:
    """The error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response


def test_an_error_has_batchs_shape(endpoint: RunningEndpoint) -> None:
    answer = refused(
        endpoint.batch.submit_job, jobName="j", jobQueue="no-such-queue", jobDefinition="d"
    )

    assert answer["Error"]["Code"] == "ClientException"
    assert answer["Error"]["Message"] == "job queue no-such-queue does not exist"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == "ClientException"


def test_a_body_that_is_not_json_is_refused(endpoint: RunningEndpoint) -> None:
    request = urllib.request.Request(f"{endpoint.url}/v1/submitjob", b"{", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)

    assert caught.value.code == 400
    with caught.value as answer:
        assert json.load(answer) == {"message": "the body is not JSON"}


def test_an_operation_that_the_endpoint_does_not_know_is_refused(
    endpoint: RunningEndpoint,
) -> None:
    answer = refused(endpoint.batch.list_consumable_resources)

    assert (
        answer["Error"]["Message"] == "the embedded endpoint does not know ListConsumableResources"
    )


def test_definitions_have_revisions_and_the_latest_active_one_is_used(
    endpoint: RunningEndpoint,
) -> None:
    first = endpoint.define(["one"], name="revised")
    second = endpoint.define(["two"], name="revised")
    found = endpoint.batch.describe_job_definitions(jobDefinitionName="revised", status="ACTIVE")
    endpoint.batch.deregister_job_definition(jobDefinition=second)
    used = endpoint.job(endpoint.submit(definition="revised"))["jobDefinition"]
    active = endpoint.batch.describe_job_definitions(jobDefinitionName="revised", status="ACTIVE")
    inactive = endpoint.batch.describe_job_definitions(jobDefinitions=["revised:2"])

    assert first.endswith(":job-definition/revised:1")
    assert [one["revision"] for one in found["jobDefinitions"]] == [2, 1]
    assert used == first
    assert [one["revision"] for one in active["jobDefinitions"]] == [1]
    assert [one["status"] for one in inactive["jobDefinitions"]] == ["INACTIVE"]
    assert refused(endpoint.batch.submit_job, jobName="j", jobQueue="queue", jobDefinition=second)[
        "Error"
    ]["Message"].endswith("does not exist or is not active")


def test_definitions_come_in_pages(endpoint: RunningEndpoint) -> None:
    for number in range(5):
        endpoint.define([str(number)], name="paged")
    pages = endpoint.batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName="paged", PaginationConfig={"PageSize": 2}
    )

    assert [[one["revision"] for one in page["jobDefinitions"]] for page in pages] == [
        *([5, 4], [3, 2], [1])
    ]


def test_queues_and_compute_environments_are_described(endpoint: RunningEndpoint) -> None:
    (queue,) = endpoint.batch.describe_job_queues(jobQueues=["queue"])["jobQueues"]
    (machines,) = endpoint.batch.describe_compute_environments(
        computeEnvironments=["queue-machines"]
    )["computeEnvironments"]

    assert (queue["state"], queue["status"], queue["priority"]) == ("ENABLED", "VALID", 1)
    assert queue["computeEnvironmentOrder"] == [
        {"order": 1, "computeEnvironment": machines["computeEnvironmentArn"]}
    ]
    assert machines["ecsClusterArn"].startswith("arn:aws:ecs:eu-west-1:123456789012:cluster/")
    with pytest.raises(ClientError, match="exists already"):
        make_queue(endpoint.batch)


def test_jobs_are_listed_by_status_and_by_name_newest_first(endpoint: RunningEndpoint) -> None:
    endpoint.define(["true"], name="listed")
    ids = [endpoint.submit(f"Listed-{n}", "listed") for n in range(5)]
    for job_id in ids:
        endpoint.in_status(job_id, "RUNNABLE")
    paginator = endpoint.batch.get_paginator("list_jobs")
    by_name = paginator.paginate(
        jobQueue="queue",
        filters=[{"name": "JOB_NAME", "values": ["LISTED-*"]}],
        jobStatus="SUCCEEDED",
        PaginationConfig={"PageSize": 2},
    )
    by_definition = endpoint.batch.list_jobs(
        jobQueue="queue", filters=[{"name": "JOB_DEFINITION", "values": ["listed"]}]
    )
    running = endpoint.batch.list_jobs(jobQueue="queue")
    runnable = endpoint.batch.list_jobs(jobQueue="queue", jobStatus="RUNNABLE")

    newest_first = [f"Listed-{n}" for n in (4, 3, 2, 1, 0)]
    assert names(by_name, "jobSummaryList") == newest_first
    assert names([by_definition], "jobSummaryList") == newest_first
    assert running["jobSummaryList"] == []
    assert names([runnable], "jobSummaryList")[:5] == newest_first
    assert refused(endpoint.batch.list_jobs)["Error"]["Code"] == "ClientException"


def test_a_cancelled_job_fails_with_the_reason_and_cancelling_again_is_silent(
    endpoint: RunningEndpoint,
) -> None:
    endpoint.define(["true"])
    job_id = endpoint.submit()
    endpoint.in_status(job_id, "RUNNABLE")
    endpoint.batch.cancel_job(jobId=job_id, reason="changed my mind")
    endpoint.batch.cancel_job(jobId=job_id, reason="again")
    detail = endpoint.job(job_id)

    assert (detail["status"], detail["statusReason"]) == ("FAILED", "changed my mind")
    assert (detail["isCancelled"], detail["isTerminated"]) == (True, False)
    assert detail["attempts"] == []


def test_terminating_a_queued_job_cancels_it(endpoint: RunningEndpoint) -> None:
    endpoint.define(["true"])
    job_id = endpoint.submit()
    endpoint.batch.terminate_job(jobId=job_id, reason="not needed")
    detail = endpoint.job(job_id)

    assert (detail["status"], detail["statusReason"]) == ("FAILED", "not needed")
    assert detail["isCancelled"]


def test_cancelling_an_array_cancels_its_children(endpoint: RunningEndpoint) -> None:
    endpoint.define(["true"])
    job_id = endpoint.submit(arrayProperties={"size": 3})
    endpoint.in_status(f"{job_id}:2", "RUNNABLE")
    parent = endpoint.job(job_id)
    endpoint.batch.cancel_job(jobId=job_id, reason="no")
    after = endpoint.job(job_id)

    assert parent["status"] == "PENDING"
    assert parent["arrayProperties"]["statusSummary"]["RUNNABLE"] == 3
    assert (after["status"], after["statusReason"]) == ("FAILED", "no")
    assert after["arrayProperties"]["statusSummary"]["FAILED"] == 3


def test_jobs_that_never_were_are_left_out(endpoint: RunningEndpoint) -> None:
    assert endpoint.batch.describe_jobs(jobs=["never"])["jobs"] == []
    assert "jobs" in refused(endpoint.batch.describe_jobs, jobs=["x"] * 101)["Error"]["Message"]


def test_resources_can_be_tagged(endpoint: RunningEndpoint) -> None:
    arn = endpoint.define(["true"], name="tagged", tags={"team": "a"})
    job_id = endpoint.submit(definition="tagged", tags={"run": "1"})
    job_arn = endpoint.job(job_id)["jobArn"]
    for resource in (arn, job_arn):
        endpoint.batch.tag_resource(resourceArn=resource, tags={"more": "b", "less": "c"})
        endpoint.batch.untag_resource(resourceArn=resource, tagKeys=["less"])

    tags = {
        one: endpoint.batch.list_tags_for_resource(resourceArn=one)["tags"]
        for one in (arn, job_arn)
    }
    assert tags == {arn: {"team": "a", "more": "b"}, job_arn: {"run": "1", "more": "b"}}
    assert endpoint.job(job_id)["tags"] == {"run": "1", "more": "b"}


def test_a_request_over_30_kib_is_refused(endpoint: RunningEndpoint) -> None:
    endpoint.define(["true"])

    with pytest.raises(ClientError, match="30720"):
        endpoint.submit(parameters={"long": "x" * 31_000})


@pytest.mark.parametrize(
    ("mode", "code", "status"),
    [("throttle", "TooManyRequestsException", 429), ("error", "ServerException", 500)],
)
def test_submitjob_can_be_made_to_fail(
    endpoint: RunningEndpoint, mode: str, code: str, status: int
) -> None:
    endpoint.define(["true"])
    endpoint.control("POST", "faults", {"submit": {"mode": mode, "count": 1}})
    request = {"jobName": mode, "jobQueue": "queue", "jobDefinition": "train"}
    answer = refused(endpoint.batch.submit_job, **request)
    job_id = endpoint.submit(mode)

    assert answer["Error"]["Code"] == code
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    found = endpoint.batch.list_jobs(
        jobQueue="queue", filters=[{"name": "JOB_NAME", "values": [mode]}]
    )
    assert [one["jobId"] for one in found["jobSummaryList"]] == [job_id]


def test_submitjob_can_do_its_work_and_never_answer(endpoint: RunningEndpoint) -> None:
    endpoint.define(["true"])
    endpoint.control("POST", "faults", {"submit": {"mode": "timeout_after", "count": 1}})
    with pytest.raises(ConnectionClosedError):
        endpoint.submit("unanswered")

    found = endpoint.batch.list_jobs(
        jobQueue="queue", filters=[{"name": "JOB_NAME", "values": ["unanswered"]}]
    )
    assert len(found["jobSummaryList"]) == 1


def test_a_blocked_job_says_why_it_waits(endpoint: RunningEndpoint) -> None:
    endpoint.define(["true"])
    job_id = endpoint.submit()
    endpoint.in_status(job_id, "RUNNABLE")
    reason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no machine is free"
    endpoint.control("POST", f"jobs/{job_id}/block", {"reason": reason})

    assert endpoint.job(job_id)["statusReason"] == reason


def test_calls_are_counted(endpoint: RunningEndpoint) -> None:
    endpoint.batch.describe_jobs(jobs=["x"])
    endpoint.batch.describe_jobs(jobs=["x"])

    assert endpoint.control("GET", "calls") == {"DescribeJobs": 2}
    assert endpoint.control("DELETE", "calls") == {}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nothing", {}, 404),
        ("faults", {"no_such_fault": 1}, 400),
        ("jobs/never/reclaim", {}, 400),
        ("queues/never", {"paused": True}, 400),
    ],
)
def test_a_control_request_that_makes_no_sense_is_refused(
    endpoint: RunningEndpoint, path: str, body: object, status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        endpoint.control("POST", path, body)

    assert caught.value.code == status
    caught.value.close()


def test_a_paused_queue_goes_on_where_it_stopped(endpoint: RunningEndpoint) -> None:
    make_queue(endpoint.batch, "other")
    endpoint.control("POST", "queues/other", {"paused": True})
    endpoint.define(["true"], containerProperties={"resourceRequirements": REQUIREMENTS})
    job_id = endpoint.batch.submit_job(jobName="j", jobQueue="other", jobDefinition="train")[
        "jobId"
    ]
    endpoint.in_status(job_id, "RUNNABLE")
    endpoint.control("POST", "queues/other", {"paused": False})

    assert wait_for(lambda: endpoint.job(job_id)["status"] == "SUCCEEDED")
