"""What a job's mounts are in a container, and for a process that has none."""

from pathlib import Path

import pytest

from local.batch.container_executor import run_argv
from local.batch.executors import Task
from local.batch.mounts import Mount, on_machine

MOUNTS = (Mount(Path("/srv/cache"), "/cache"), Mount(Path("/srv/own"), "/cache/own"))


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("/cache", "/srv/cache"),
        ("/cache/", "/srv/cache"),
        ("/cache/dvc/x", "/srv/cache/dvc/x"),
        ("/cache/own/x", "/srv/own/x"),  # the deeper mount wins
        ("/cached", "/cached"),
        ("cache", "cache"),
        ("--to=/cache", "--to=/cache"),
        ("s3://cache", "s3://cache"),
        ("", ""),
    ],
)
def test_a_word_that_begins_with_a_mounts_path_is_the_path_on_the_machine(
    word: str, found: str
) -> None:
    assert on_machine(word, MOUNTS) == found


def test_a_container_gets_its_mounts_as_they_are() -> None:
    task = Task(
        name="batch-1",
        image="acme/train:1",
        command=("run", "/cache"),
        environment={},
        scratch=Path("/scratch"),
        log=Path("/log"),
        mounts=(*MOUNTS[:1], Mount(Path("/srv/program"), "/opt/program", read_only=True)),
    )
    argv = run_argv("docker", task, Path("/scratch/environment"))

    assert argv[-5:] == [
        "--mount=type=bind,source=/srv/cache,target=/cache",
        "--mount=type=bind,source=/srv/program,target=/opt/program,readonly",
        *("acme/train:1", "run", "/cache"),
    ]
