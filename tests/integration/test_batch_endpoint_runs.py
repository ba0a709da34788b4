"""Jobs that run: their environment, their ends, their retries, and what becomes of them."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.batch_endpoint import RunningEndpoint, make_queue, started, wait_for
from tests.integration.waiting import gone

# One of Batch's seconds lasts so long here.
TIME_SCALE = 0.005
# A timeout of 5 s: by then a program has begun.
ENOUGH = {"attemptDurationSeconds": 1000}
SLEEP = ["sh", "-c", "echo $$; exec sleep 600"]
SPOT_ONLY = {
    "attempts": 2,
    "evaluateOnExit": [
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ],
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEndpoint]:
    options = ("--slots=2", "--job-path=/opt/project/bin", f"--time-scale={TIME_SCALE}")
    with started(tmp_path_factory.mktemp("batch"), *options) as endpoint:
        yield endpoint


def pid_of(endpoint: RunningEndpoint, job_id: str) -> int:
    """The process id that a job running SLEEP wrote to its log."""
    detail = endpoint.in_status(job_id, "RUNNING")
    return int(wait_for(lambda: endpoint.output(detail).strip() or None))


def test_a_job_finds_batchs_environment_and_nothing_of_the_endpoints_own(
    endpoint: RunningEndpoint,
) -> None:
    detail = endpoint.run(
        ["env"],
        containerOverrides={"environment": [{"name": "ACME_RUN_ARGS", "value": "a  b"}]},
    )
    found = dict(line.split("=", 1) for line in endpoint.output(detail).splitlines())
    home = found.pop("HOME")

    assert detail["status"] == "SUCCEEDED"
    assert home == f"{endpoint.state_dir}/jobs/{detail['jobId']}/1"
    assert found == {
        "PATH": "/opt/project/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "TMPDIR": f"{home}/tmp",
        "LANG": "C.UTF-8",
        "ACME_RUN_ARGS": "a  b",
        "AWS_ENDPOINT_URL_BATCH": endpoint.url,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "123456789012",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_BATCH_JOB_ID": detail["jobId"],
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": "queue",
        "AWS_BATCH_CE_NAME": "queue-machines",
    }


def test_a_job_tells_where_and_when_it_ran(endpoint: RunningEndpoint) -> None:
    detail = endpoint.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    (attempt,) = detail["attempts"]

    assert (detail["status"], detail["statusReason"]) == (
        "FAILED",
        "Essential container in task exited",
    )
    assert detail["createdAt"] <= detail["startedAt"] <= detail["stoppedAt"]
    assert attempt["container"]["exitCode"] == detail["container"]["exitCode"] == 3
    assert attempt["container"]["taskArn"].startswith("arn:aws:ecs:eu-west-1:123456789012:task/")
    task_id = attempt["container"]["taskArn"].rpartition("/")[2]
    assert detail["container"]["logStreamName"] == f"train/default/{task_id}"
    assert endpoint.output(detail) == "out\nerr\n"


def test_parameters_fill_the_command(endpoint: RunningEndpoint) -> None:
    endpoint.define(["echo", "Ref::branch", "Ref::commit"], parameters={"commit": "0"})
    detail = endpoint.ended(endpoint.submit(parameters={"branch": "feature/x; rm -rf /"}))

    assert endpoint.output(detail) == "feature/x; rm -rf / 0\n"
    assert detail["container"]["command"] == ["echo", "Ref::branch", "Ref::commit"]


def test_a_job_starts_in_an_empty_directory_that_goes_with_it(endpoint: RunningEndpoint) -> None:
    detail = endpoint.run(["sh", "-c", "pwd; ls; touch left-behind"])

    directory, *content = endpoint.output(detail).splitlines()
    assert content == ["tmp"]
    assert not Path(directory).exists()


def test_a_failing_job_is_tried_again_in_a_new_place(endpoint: RunningEndpoint) -> None:
    command = ["sh", "-c", "test $AWS_BATCH_JOB_ATTEMPT = 2"]
    detail = endpoint.run(command, retryStrategy={"attempts": 3})

    assert detail["status"] == "SUCCEEDED"
    assert [one["container"]["exitCode"] for one in detail["attempts"]] == [1, 0]
    assert len({one["container"]["logStreamName"] for one in detail["attempts"]}) == 2


def test_a_program_that_does_not_exist_cannot_start(endpoint: RunningEndpoint) -> None:
    detail = endpoint.run(["no-such-program"])

    assert detail["statusReason"] == "Task failed to start"
    assert detail["container"]["reason"] == (
        'CannotStartContainerError: exec: "no-such-program": executable file not found in $PATH'
    )
    assert "exitCode" not in detail["container"]
    assert "startedAt" not in detail


def test_a_secret_that_cannot_be_read_fails_the_try(endpoint: RunningEndpoint) -> None:
    endpoint.define(
        ["env"], containerProperties={"secrets": [{"name": "TOKEN", "valueFrom": "none"}]}
    )
    detail = endpoint.ended(endpoint.submit())

    assert detail["statusReason"] == "Task failed to start"
    assert detail["container"]["reason"] == (
        "ResourceInitializationError: unable to pull secrets or registry auth: "
        "unable to retrieve secret none: the endpoint has no AWS_ENDPOINT_URL"
    )


def test_overrides_over_8192_characters_fail_after_submission(endpoint: RunningEndpoint) -> None:
    environment = [{"name": "LONG", "value": "x" * 8192}]
    detail = endpoint.run(["true"], containerOverrides={"environment": environment})

    assert detail["statusReason"] == "Container Overrides length must be at most 8192"
    assert detail["attempts"] == []


def test_a_job_over_its_time_is_ended_and_not_tried_again(endpoint: RunningEndpoint) -> None:
    detail = endpoint.run(SLEEP, timeout=ENOUGH, retryStrategy={"attempts": 3})
    (attempt,) = detail["attempts"]

    assert detail["statusReason"] == "Job attempt duration exceeded timeout"
    assert attempt["container"]["exitCode"] == 143
    assert gone(int(endpoint.output(detail)))


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(endpoint: RunningEndpoint) -> None:
    detail = endpoint.run(
        ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"],
        timeout=ENOUGH,
    )

    assert detail["container"]["exitCode"] == 137


def test_a_terminated_job_ends_with_the_reason_and_its_processes(
    endpoint: RunningEndpoint,
) -> None:
    endpoint.define(SLEEP)
    job_id = endpoint.submit(retryStrategy={"attempts": 3})
    pid = pid_of(endpoint, job_id)
    endpoint.batch.cancel_job(jobId=job_id, reason="cancelling leaves it alone")
    endpoint.batch.terminate_job(jobId=job_id, reason="stopped by Someone")
    detail = endpoint.ended(job_id)

    assert (detail["status"], detail["statusReason"]) == ("FAILED", "stopped by Someone")
    assert (detail["isTerminated"], detail["isCancelled"]) == (True, False)
    assert len(detail["attempts"]) == 1
    assert gone(pid)


def test_a_reclaimed_machine_loses_the_try_and_the_rules_decide(
    endpoint: RunningEndpoint,
) -> None:
    endpoint.define(SLEEP)
    job_id = endpoint.submit(retryStrategy=SPOT_ONLY)
    pids = [pid_of(endpoint, job_id)]
    endpoint.control("POST", f"jobs/{job_id}/reclaim")
    wait_for(lambda: len(endpoint.job(job_id)["attempts"]) == 1)
    pids.append(pid_of(endpoint, job_id))
    endpoint.control("POST", f"jobs/{job_id}/reclaim")
    detail = endpoint.ended(job_id)

    assert detail["statusReason"].startswith("Host EC2 (instance i-")
    assert [one["container"].get("exitCode") for one in detail["attempts"]] == [None, None]
    assert all(gone(pid) for pid in pids)


def test_no_more_jobs_run_at_once_than_there_are_slots(endpoint: RunningEndpoint) -> None:
    endpoint.define(SLEEP)
    ids = [endpoint.submit(f"slot-{n}") for n in range(3)]
    for job_id in ids[:2]:
        endpoint.in_status(job_id, "RUNNING")
    waiting = endpoint.in_status(ids[2], "RUNNABLE", "STARTING", "RUNNING")["status"]
    endpoint.batch.terminate_job(jobId=ids[0], reason="next")
    endpoint.in_status(ids[2], "RUNNING")
    for job_id in ids:
        endpoint.batch.terminate_job(jobId=job_id, reason="done")
        endpoint.ended(job_id)

    assert waiting == "RUNNABLE"


def test_an_arrays_children_know_their_index_and_one_failure_fails_the_parent(
    endpoint: RunningEndpoint,
) -> None:
    endpoint.define(["sh", "-c", "echo $AWS_BATCH_JOB_ARRAY_INDEX; test ! -e never"])
    good = endpoint.ended(endpoint.submit(arrayProperties={"size": 3}))
    endpoint.define(["sh", "-c", "exit $AWS_BATCH_JOB_ARRAY_INDEX"])
    bad = endpoint.ended(endpoint.submit(arrayProperties={"size": 2}))
    children = [endpoint.job(f"{good['jobId']}:{index}") for index in range(3)]
    listed = endpoint.batch.list_jobs(arrayJobId=good["jobId"], jobStatus="SUCCEEDED")

    assert good["status"] == "SUCCEEDED"
    assert [endpoint.output(child) for child in children] == ["0\n", "1\n", "2\n"]
    assert [one["arrayProperties"]["index"] for one in listed["jobSummaryList"]] == [0, 1, 2]
    assert (bad["status"], bad["statusReason"]) == ("FAILED", "Array Child Job failed")
    summary = bad["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (1, 1)


def test_terminating_an_array_ends_its_children(endpoint: RunningEndpoint) -> None:
    endpoint.define(SLEEP)
    job_id = endpoint.submit(arrayProperties={"size": 3})
    endpoint.in_status(f"{job_id}:0", "RUNNING")
    endpoint.batch.terminate_job(jobId=job_id, reason="enough")
    parent = endpoint.ended(job_id)
    children = [endpoint.job(f"{job_id}:{index}") for index in range(3)]

    assert (parent["statusReason"], parent["isTerminated"]) == ("enough", True)
    assert [child["statusReason"] for child in children] == ["enough"] * 3


def test_a_dependent_job_waits_and_fails_with_what_it_needs(endpoint: RunningEndpoint) -> None:
    endpoint.define(SLEEP)
    needed = endpoint.submit()
    waiting = endpoint.submit(dependsOn=[{"jobId": needed}])
    state = endpoint.in_status(waiting, "PENDING")["status"]
    endpoint.batch.terminate_job(jobId=needed, reason="no")
    endpoint.ended(waiting)
    endpoint.define(["true"])
    first = endpoint.submit()
    second = endpoint.submit(dependsOn=[{"jobId": first}])

    assert state == "PENDING"
    assert endpoint.job(waiting)["statusReason"] == "Dependent Job failed"
    assert endpoint.ended(second)["status"] == "SUCCEEDED"


def test_ending_the_endpoint_ends_its_jobs(tmp_path: Path) -> None:
    with started(tmp_path, "--slots=1") as endpoint:
        endpoint.define(["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.05; done"])
        pid = pid_of(endpoint, endpoint.submit())

    assert gone(pid)


def test_an_endpoint_that_is_killed_takes_its_jobs_with_it_and_counts_them_as_lost(
    tmp_path: Path,
) -> None:
    with started(tmp_path, "--slots=1") as endpoint:
        endpoint.define(SLEEP)
        once = endpoint.submit()
        pid = pid_of(endpoint, once)
        queued = endpoint.submit(retryStrategy=SPOT_ONLY)
        endpoint.process.send_signal(signal.SIGQUIT)
        endpoint.process.wait(60)
    wait_for(lambda: gone(pid))
    with started(tmp_path, "--slots=1", with_queue=False) as endpoint:
        lost = endpoint.ended(once)
        pid = pid_of(endpoint, queued)
        endpoint.batch.terminate_job(jobId=queued, reason="done")
        endpoint.ended(queued)

    assert lost["statusReason"].startswith("Host EC2 (instance i-")
    assert lost["attempts"][0]["container"].get("exitCode") is None
    assert gone(pid)


def test_a_state_directory_serves_one_endpoint_at_a_time(tmp_path: Path) -> None:
    with started(tmp_path), pytest.raises(json.JSONDecodeError), started(tmp_path):
        pass


def test_a_second_queue_has_names_of_its_own(endpoint: RunningEndpoint) -> None:
    make_queue(endpoint.batch, "gpu")
    endpoint.define(["printenv", "AWS_BATCH_JQ_NAME", "AWS_BATCH_CE_NAME"])
    job = endpoint.batch.submit_job(jobName="j", jobQueue="gpu", jobDefinition="train")

    assert endpoint.output(endpoint.ended(job["jobId"])) == "gpu\ngpu-machines\n"
