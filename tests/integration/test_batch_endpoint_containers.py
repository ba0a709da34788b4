"""Jobs in containers, with a podman that runs nothing but knows its containers."""

import os
import stat
from pathlib import Path

import pytest

from tests.integration.batch_endpoint import started, wait_for

# "run" shows what it was given and lasts until it is stopped, or ends at once for `--fast`.
FAKE_PODMAN = """#!/bin/sh
echo "$@" >> "$0.calls"
case $1 in
run)
    for argument; do case $argument in
        --env-file=*) cat "${argument#*=}";;
        --name=*) echo $$ > "$0.${argument#*=}";;
        --fast) echo "KEY is $KEY"; exit 0;;
    esac; done
    echo up
    exec sleep 600;;
stop) kill "$(cat "$0.$3")";;
kill) kill -9 "$(cat "$0.$2")";;
esac
"""


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A podman on PATH; answers the file in which it notes its command lines."""
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(FAKE_PODMAN)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program.with_name("podman.calls")


def test_podman_runs_the_image_and_sees_no_value_in_its_arguments(
    tmp_path: Path, podman: Path
) -> None:
    environment = [{"name": "TOKEN", "value": "s3cret"}, {"name": "KEY", "value": "of two\nlines"}]
    with started(tmp_path / "state", "--executor=podman") as endpoint:
        detail = endpoint.run(["run", "--fast"], containerOverrides={"environment": environment})
        output = endpoint.output(detail)

    name = f"batch-{detail['jobId']}-1"
    file = f"{tmp_path}/state/jobs/{detail['jobId']}/1/environment"
    assert detail["status"] == "SUCCEEDED"
    assert podman.read_text().splitlines() == [
        f"run --rm --name={name} --network=host --env-file={file} --env=KEY none run --fast"
    ]
    assert "TOKEN=s3cret\n" in output
    assert "AWS_BATCH_JOB_ATTEMPT=1\n" in output
    assert "KEY is of two\nlines\n" in output


def test_terminating_a_job_stops_its_container_and_reclaiming_kills_it(
    tmp_path: Path, podman: Path
) -> None:
    with started(tmp_path / "state", "--executor=podman") as endpoint:
        endpoint.define(["run"])
        stopped, killed = endpoint.submit(), endpoint.submit()
        for job_id in (stopped, killed):
            running = endpoint.in_status(job_id, "RUNNING")
            wait_for(lambda running=running: "up" in endpoint.output(running))  # type: ignore[misc] # mypy infers no lambda with a default
        endpoint.batch.terminate_job(jobId=stopped, reason="done")
        endpoint.control("POST", f"jobs/{killed}/reclaim")
        details = [endpoint.ended(job_id) for job_id in (stopped, killed)]

    assert set(podman.read_text().splitlines()[2:]) == {
        f"stop --time=30 batch-{stopped}-1",
        f"kill batch-{killed}-1",
    }
    assert details[0]["statusReason"] == "done"
    assert details[1]["statusReason"].startswith("Host EC2 (instance i-")


def test_a_job_that_is_terminated_before_its_container_exists_ends_too(
    tmp_path: Path, podman: Path
) -> None:
    with started(tmp_path / "state", "--executor=podman") as endpoint:
        endpoint.define(["run"])
        job_id = endpoint.submit()
        endpoint.in_status(job_id, "STARTING", "RUNNING")
        endpoint.batch.terminate_job(jobId=job_id, reason="at once")

        assert endpoint.ended(job_id)["statusReason"] == "at once"
