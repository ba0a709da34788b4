"""However the stack ends, it leaves no process behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local import aws
from local.layout import PROJECT, StateDir
from tests.e2e.conftest import processes_of, started
from tests.e2e.world import PATIENCE_SECONDS, World, until


def _pid_of(folder: Path, part: str) -> int:
    """The process of a part, not the tether that holds it."""
    found = [line for line in processes_of(folder) if part in line and "tether.py" not in line]
    assert found, processes_of(folder)
    return int(found[0].split()[0])


def _start_something_stubborn(folder: Path) -> None:
    """Let a machine of one's own run what ignores all that it can ignore."""
    told = json.loads((folder / "ready.json").read_text())
    script = "#!/bin/sh\nsetsid sh -c \"trap '' TERM HUP; while :; do sleep 1; done\" &\n"
    aws.client("ec2", told["machines_endpoint_url"]).run_instances(
        ImageId=aws.MACHINE_IMAGE, InstanceType="t3.micro", MinCount=1, MaxCount=1, UserData=script
    )
    assert until(lambda: any("trap" in one for one in processes_of(folder)))


def _logs(state: StateDir) -> dict[Path, int]:
    """The size of each log of a stack's parts and of its jobs, in the order of their names."""
    found = sorted([*state.logs.glob("*.log"), *state.job_logs.rglob("*.log")])
    return {path: path.stat().st_size for path in found}


def _launcher(folder: Path) -> int:
    return _pid_of(folder, "-m cli local up")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_launcher_that_ends_takes_everything_with_it(tmp_path: Path, number: int) -> None:
    with started(tmp_path, "--repository", "acme/trivial.jobs") as process:
        assert len(processes_of(tmp_path)) > 3
        _start_something_stubborn(tmp_path)
        os.kill(_launcher(tmp_path), number)

        code = process.wait(timeout=PATIENCE_SECONDS)
        assert code == (130 if number == signal.SIGINT else 137)
    assert until(lambda: not processes_of(tmp_path)), processes_of(tmp_path)


def test_a_part_that_crashes_ends_the_stack_and_its_jobs_and_is_named(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        os.kill(_pid_of(tmp_path, "-m local.batch"), signal.SIGKILL)

        assert process.wait(timeout=PATIENCE_SECONDS) == 1
    assert until(lambda: not processes_of(tmp_path)), processes_of(tmp_path)
    told = (tmp_path / "up.log").read_text()
    assert "batch ended by itself" in told
    assert "Traceback" not in told
    assert not (tmp_path / "ready.json").exists()


def test_a_second_stack_in_the_same_place_is_refused_and_harms_nobody(world: World) -> None:
    state = StateDir(world.folder / "state")
    before = _logs(state)
    second = subprocess.run(
        [sys.executable, "-m", "cli", "local", "up", "--state-dir", str(state.root)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    after = _logs(state)

    assert second.returncode == 1
    assert f"a stack is running in {state.root}" in second.stderr
    # No part was started, and no log begun again; the first stack's go on.
    assert sorted(state.logs.glob("*.log")) == [one for one in before if one.parent == state.logs]
    assert [one for one, size in before.items() if after.get(one, -1) < size] == []
    assert world.bitbucket.hooks(world.told["repository"])
    assert world.client("sqs").list_queues()["QueueUrls"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--parameter", "Nope=1"], "template.yaml has no parameter Nope"),
        (["--job-environment", "/tmp"], "/tmp has no bin/dvc"),
        (["--state-dir", "/proc/nowhere"], "/proc/nowhere"),
        (["--ready-file", "/proc/nowhere/ready.json"], "/proc/nowhere"),
        (["--repository", "Churn"], "is not WORKSPACE/SLUG"),
        (["--parameter", "MaxGpus"], "write NAME=VALUE"),
    ],
)
def test_a_users_mistake_is_a_line_of_text_before_anything_starts(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    command = [sys.executable, "-m", "cli", "local", "up", "--state-dir", str(tmp_path / "state")]
    done = subprocess.run(
        [*command, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "deploying" not in done.stdout
