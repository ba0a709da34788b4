"""Queues, compute environments and policies as they change and go; a job's view of the machine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.batch_endpoint import RunningEndpoint, make_queue, started

RESOURCES = {"type": "EC2", "maxvCpus": 8, "subnets": ["subnet-1"], "instanceTypes": ["m6i"]}
LIMIT = {
    "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "state": "RUNNABLE",
    "maxTimeSeconds": 600,
    "action": "CANCEL",
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEndpoint]:
    with started(tmp_path_factory.mktemp("batch")) as endpoint:
        yield endpoint


def machines(batch: Any, name: str) -> Any:
    """A compute environment's description, or None."""
    found = batch.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"]
    return found[0] if found else None


def queue(batch: Any, name: str) -> Any:
    """A queue's description, or None."""
    found = batch.describe_job_queues(jobQueues=[name])["jobQueues"]
    return found[0] if found else None


def test_a_managed_environment_keeps_its_resources_and_an_update_changes_some(
    endpoint: RunningEndpoint,
) -> None:
    batch = endpoint.batch
    with pytest.raises(ClientError, match="needs computeResources"):
        batch.create_compute_environment(computeEnvironmentName="managed", type="MANAGED")
    batch.create_compute_environment(
        computeEnvironmentName="managed", type="MANAGED", computeResources=RESOURCES
    )
    batch.update_compute_environment(
        computeEnvironment="managed",
        state="DISABLED",
        serviceRole="arn:aws:iam::123456789012:role/batch",
        computeResources={"maxvCpus": 64},
    )
    found = machines(batch, "managed")

    assert found["computeResources"] == RESOURCES | {"maxvCpus": 64}
    assert (found["state"], found["status"]) == ("DISABLED", "VALID")
    assert found["serviceRole"].endswith("role/batch")


def test_an_environment_goes_once_it_is_disabled_and_in_no_queue(endpoint: RunningEndpoint) -> None:
    batch = endpoint.batch
    make_queue(batch, "going")
    with pytest.raises(ClientError, match="not DISABLED"):
        batch.delete_compute_environment(computeEnvironment="going-machines")
    batch.update_compute_environment(computeEnvironment="going-machines", state="DISABLED")
    with pytest.raises(ClientError, match="found existing JobQueue relationship"):
        batch.delete_compute_environment(computeEnvironment="going-machines")
    with pytest.raises(ClientError, match="not DISABLED"):
        batch.delete_job_queue(jobQueue="going")
    batch.update_job_queue(jobQueue="going", state="DISABLED")
    for _ in range(2):  # again is no error
        batch.delete_job_queue(jobQueue="going")
        batch.delete_compute_environment(computeEnvironment="going-machines")

    assert queue(batch, "going") is None
    assert machines(batch, "going-machines") is None
    make_queue(batch, "going")  # the name is free


def test_what_has_gone_stays_away_when_the_endpoint_starts_again(tmp_path: Path) -> None:
    with started(tmp_path) as endpoint:
        make_queue(endpoint.batch, "kept")
        endpoint.batch.update_job_queue(jobQueue="queue", state="DISABLED", priority=7)
        endpoint.batch.delete_job_queue(jobQueue="queue")
    with started(tmp_path, with_queue=False) as endpoint:
        found = endpoint.batch.describe_job_queues()["jobQueues"]

        assert [one["jobQueueName"] for one in found] == ["kept"]


def test_deleting_a_queue_ends_its_jobs(endpoint: RunningEndpoint) -> None:
    batch = endpoint.batch
    make_queue(batch, "crowded")
    endpoint.define(["sleep", "600"], name="long")
    asked = {"jobQueue": "crowded", "jobDefinition": "long"}
    running = batch.submit_job(jobName="running", **asked)["jobId"]
    endpoint.in_status(running, "RUNNING")
    endpoint.control("POST", "queues/crowded", {"paused": True})
    waiting = batch.submit_job(jobName="waiting", **asked)["jobId"]
    array = batch.submit_job(jobName="array", arrayProperties={"size": 2}, **asked)["jobId"]
    batch.update_job_queue(jobQueue="crowded", state="DISABLED")
    batch.delete_job_queue(jobQueue="crowded")
    ended = [endpoint.ended(one) for one in (running, waiting, array)]
    after = endpoint.run(["true"], name="after")

    assert [one["status"] for one in ended] == ["FAILED"] * 3
    assert ended[0]["statusReason"] == "Job queue deleted"
    assert after["status"] == "SUCCEEDED"


def test_a_disabled_queue_takes_no_job(endpoint: RunningEndpoint) -> None:
    make_queue(endpoint.batch, "closed")
    endpoint.batch.update_job_queue(jobQueue="closed", state="DISABLED")
    endpoint.define(["true"], name="closed")

    with pytest.raises(ClientError, match="not ENABLED"):
        endpoint.batch.submit_job(jobName="j", jobQueue="closed", jobDefinition="closed")


def test_a_policy_is_kept_shown_changed_and_held_by_its_queue(endpoint: RunningEndpoint) -> None:
    batch = endpoint.batch
    shares = {"shareDecaySeconds": 60, "shareDistribution": [{"shareIdentifier": "a*"}]}
    arn = batch.create_scheduling_policy(
        name="fair", fairsharePolicy=shares, tags={"team": "ours"}
    )["arn"]
    batch.update_scheduling_policy(arn=arn, fairsharePolicy={"computeReservation": 10})
    (found,) = batch.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    order = [{"order": 1, "computeEnvironment": "queue-machines"}]
    batch.create_job_queue(
        jobQueueName="shared",
        priority=1,
        schedulingPolicyArn=arn,
        computeEnvironmentOrder=order,
        jobStateTimeLimitActions=[LIMIT],
    )
    shown = queue(batch, "shared")
    with pytest.raises(ClientError, match="a job queue uses"):
        batch.delete_scheduling_policy(arn=arn)
    batch.update_job_queue(jobQueue="shared", state="DISABLED")
    batch.delete_job_queue(jobQueue="shared")
    batch.delete_scheduling_policy(arn=arn)

    assert arn == "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/fair"
    assert found["fairsharePolicy"] == {"computeReservation": 10}
    assert found["tags"] == {"team": "ours"}
    assert (shown["schedulingPolicyArn"], shown["jobStateTimeLimitActions"]) == (arn, [LIMIT])
    assert batch.list_scheduling_policies()["schedulingPolicies"] == []


def test_a_queue_with_a_policy_asks_for_a_share_and_a_priority_and_any_other_for_none(
    endpoint: RunningEndpoint,
) -> None:
    batch = endpoint.batch
    arn = batch.create_scheduling_policy(name="asking")["arn"]
    order = [{"order": 1, "computeEnvironment": "queue-machines"}]
    batch.create_job_queue(
        jobQueueName="asking", priority=1, schedulingPolicyArn=arn, computeEnvironmentOrder=order
    )
    endpoint.define(["true"], name="without")
    endpoint.define(["true"], name="with", schedulingPriority=1)
    asked = {"jobName": "j", "jobQueue": "asking"}
    with pytest.raises(ClientError, match="shareIdentifier must be specified"):
        batch.submit_job(**asked, jobDefinition="with")
    with pytest.raises(ClientError, match="Either schedulingPriority in job definition"):
        batch.submit_job(**asked, jobDefinition="without", shareIdentifier="a")
    with pytest.raises(ClientError, match="give no shareIdentifier"):
        endpoint.submit(definition="with", shareIdentifier="a")
    with pytest.raises(ClientError, match="takes none"):
        batch.update_job_queue(jobQueue="queue", schedulingPolicyArn=arn)
    with_default = batch.submit_job(**asked, jobDefinition="with", shareIdentifier="a")
    with_its_own = batch.submit_job(
        **asked, jobDefinition="without", shareIdentifier="a", schedulingPriorityOverride=9
    )

    assert endpoint.ended(with_default["jobId"])["shareIdentifier"] == "a"
    assert endpoint.ended(with_its_own["jobId"])["schedulingPriority"] == 9


def test_a_time_limit_is_ten_minutes_at_least(endpoint: RunningEndpoint) -> None:
    short = LIMIT | {"maxTimeSeconds": 599}

    with pytest.raises(ClientError, match="600"):
        endpoint.batch.update_job_queue(jobQueue="queue", jobStateTimeLimitActions=[short])


def test_what_a_definition_says_of_its_container_is_told_of_its_jobs(
    endpoint: RunningEndpoint,
) -> None:
    said = {
        "jobRoleArn": "arn:aws:iam::123456789012:role/job",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/jobs"}},
        "linuxParameters": {"sharedMemorySize": 64, "initProcessEnabled": False},
        "user": "10001:10001",
    }
    tags = {"cloud-runner": "acme-testing", "repository": "churn"}
    endpoint.define(["true"], name="said", containerProperties=said)
    (definition,) = endpoint.batch.describe_job_definitions(jobDefinitionName="said")[
        "jobDefinitions"
    ]
    job = endpoint.ended(endpoint.submit(definition="said", tags=tags))
    endpoint.batch.tag_resource(resourceArn=job["jobArn"], tags={"more": "x"})

    assert said.items() <= definition["containerProperties"].items()
    assert said.items() <= job["container"].items()
    assert job["tags"] == tags
    assert endpoint.job(job["jobId"])["tags"] == tags | {"more": "x"}


def test_a_process_finds_on_the_machine_what_a_container_would_have_mounted(
    endpoint: RunningEndpoint, tmp_path: Path
) -> None:
    versions = [tmp_path / "versions" / name for name in ("one", "two")]
    for version in versions:
        version.mkdir(parents=True)
        (version / "job.py").write_text(
            "import json, os, pathlib, sys, time\n"
            "pathlib.Path(os.environ['CACHE_DIR'], 'seen').touch()\n"
            "own = pathlib.Path(os.environ['OWN']); own.joinpath('x').touch()\n"
            "print(json.dumps([sys.argv, os.environ['CACHED'], own.is_dir()]))\n"
        )
    (tmp_path / "current").symlink_to(versions[0])
    container = {
        "volumes": [
            {"name": "program", "host": {"sourcePath": str(tmp_path / "current")}},
            {"name": "cache", "host": {"sourcePath": str(tmp_path / "new" / "cache")}},
            {"name": "own", "host": {}},
        ],
        "mountPoints": [
            {"sourceVolume": "program", "containerPath": "/opt/program", "readOnly": True},
            {"sourceVolume": "cache", "containerPath": "/cache"},
            {"sourceVolume": "own", "containerPath": "/cache/own"},
        ],
        "environment": [
            {"name": "CACHE_DIR", "value": "/cache"},
            {"name": "CACHED", "value": "/cached"},
            {"name": "OWN", "value": "/cache/own"},
        ],
    }
    command = ["python3", "/opt/program/job.py", "/cache/dvc", "--at=/cache"]
    endpoint.define(command, name="mounted", containerProperties=container)
    job = endpoint.ended(endpoint.submit(definition="mounted"))
    argv, cached, has_own = json.loads(endpoint.output(job))

    # The link is followed when the job starts, and whatever becomes of it, the job's stays.
    assert argv == [f"{versions[0]}/job.py", f"{tmp_path}/new/cache/dvc", "--at=/cache"]
    assert (cached, has_own) == ("/cached", True)
    assert [one.name for one in (tmp_path / "new" / "cache").iterdir()] == ["seen"]
    assert job["container"]["volumes"] == container["volumes"]
    assert job["container"]["mountPoints"] == container["mountPoints"]


@pytest.mark.parametrize(
    "volumes", [[], [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]]
)
def test_a_volume_that_this_machine_cannot_give_fails_the_start(
    endpoint: RunningEndpoint, volumes: list[Any]
) -> None:
    mounts = [{"sourceVolume": "v", "containerPath": "/v"}]
    container = {"volumes": volumes, "mountPoints": mounts}
    endpoint.define(["true"], name="unmounted", containerProperties=container)
    job = endpoint.ended(endpoint.submit(definition="unmounted"))

    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Task failed to start"
    assert "mounts host volumes only" in job["container"]["reason"]
