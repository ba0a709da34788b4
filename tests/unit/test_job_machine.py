"""What a job may use of its machine, read from the files of both versions of control groups."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from container import cgroups
from container.instance import Instance, read
from container.machine import console_address, in_words
from services.notifier.statuses import Links
from tests.samples import a_job, a_run

GIB = 1024**3
MEMINFO = "MemTotal:       32000000 kB\nMemFree:         1000 kB\n"
# A container with a view of its own group alone: ECS on Amazon Linux 2023.
VERSION_2 = {
    "proc/self/cgroup": "0::/\n",
    "proc/meminfo": MEMINFO,
    "groups/cpu.max": "50000 100000\n",
    "groups/memory.max": f"{4 * GIB}\n",
    "groups/memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
}
VERSION_1 = {
    "proc/self/cgroup": "4:memory:/ecs/4f2a\n3:cpu,cpuacct:/ecs/4f2a\n",
    "proc/meminfo": MEMINFO,
    "groups/cpu/cpu.cfs_quota_us": "25000\n",
    "groups/cpu/cpu.cfs_period_us": "100000\n",
    "groups/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
    "groups/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
}
UNLIMITED = {
    "proc/self/cgroup": "0::/\n4:memory:/\n",
    "proc/meminfo": MEMINFO,
    "groups/cpu.max": "max 100000\n",
    "groups/cpu/cpu.cfs_quota_us": "-1\n",
    "groups/cpu/cpu.cfs_period_us": "100000\n",
    "groups/memory.max": "max\n",
    "groups/memory/memory.limit_in_bytes": "9223372036854771712\n",
}
# Without a view of its own the group's path leads to it, and the limit may be around it.
AROUND = {
    "proc/self/cgroup": "0::/batch/job/inner\n",
    "proc/meminfo": MEMINFO,
    "groups/batch/cpu.max": "75000 100000\n",
    "groups/batch/job/memory.max": f"{8 * GIB}\n",
    "groups/batch/job/inner/memory.max": "max\n",
    "groups/batch/job/inner/memory.events": "oom_kill 5\n",
    "groups/batch/memory.events": "oom_kill 9\n",
}


def tree(root: Path, files: Mapping[str, str]) -> tuple[Path, Path]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root / "groups", root / "proc"


@pytest.mark.parametrize(
    ("files", "cpus", "memory", "kills"),
    [
        pytest.param(VERSION_2, 0.5, 4 * GIB, 2, id="version 2"),
        pytest.param(VERSION_1, 0.25, 2 * GIB, 1, id="version 1"),
        pytest.param(AROUND, 0.75, 8 * GIB, 5, id="limits around the group"),
        pytest.param(UNLIMITED, None, 32_000_000 * 1024, None, id="no limits"),
        pytest.param({}, None, None, None, id="nothing to read"),
    ],
)
def test_limits_are_read_from_either_version_of_control_groups(
    tmp_path: Path, files: Mapping[str, str], cpus: float | None, memory: int, kills: int | None
) -> None:
    groups, proc = tree(tmp_path, files)

    assert cgroups.cpus(groups, proc) == (cpus or len(os.sched_getaffinity(0)))
    assert cgroups.memory_bytes(groups, proc) == memory
    assert cgroups.oom_kills(groups, proc) == kills


def test_an_instance_on_demand_is_not_called_so() -> None:
    found = read('{"instanceType": "m7i.large", "region": "eu-west-1"}', "on-demand")

    assert in_words(found, 2, 8 * GIB, "") == "m7i.large in eu-west-1, 2 CPUs, 8 GiB of memory"


@pytest.mark.parametrize("document", ["", "<html>", "[]", "{}", '{"instanceType": "m7i.large"}'])
def test_a_document_of_another_form_is_no_instance(document: str) -> None:
    assert read(document, "spot") is None


def test_several_kinds_of_gpus_are_counted_apart() -> None:
    line = in_words(Instance("x", "spot", "y"), 1, None, "NVIDIA A10G\nNVIDIA T4\n NVIDIA T4 \n\n")

    assert line == "x (spot) in y, 1 CPU, 1 x NVIDIA A10G, 2 x NVIDIA T4"


def test_the_console_has_the_address_that_the_build_status_links() -> None:
    job = "0f5a6b7c-1d2e-4f3a-8b9c-0d1e2f3a4b5c"
    environment = {"AWS_BATCH_JOB_ID": job, "AWS_DEFAULT_REGION": "eu-west-1"}

    linked = Links("eu-west-1").url(a_run(job=a_job(job_id=job)))

    assert console_address(environment) == linked


@pytest.mark.parametrize("missing", ["AWS_BATCH_JOB_ID", "AWS_REGION"])
def test_outside_batch_there_is_no_page_in_the_console(missing: str) -> None:
    environment = {"AWS_BATCH_JOB_ID": "4f2a", "AWS_REGION": "eu-west-1"}

    assert console_address({**environment, missing: ""}) == ""
