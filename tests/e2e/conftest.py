"""The embedded stack, started as a user starts it, once for all end-to-end tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local import tether
from local.bitbucket.client import Client
from local.layout import PROJECT
from tests.e2e.jobs_projects import REPOSITORIES
from tests.e2e.trivial import TRIVIAL
from tests.e2e.world import PATIENCE_SECONDS, World, until

# Nobody waits five minutes here for a lease or for the reconciler. After four times the first the
# reconciler holds a run that is still only requested for forsaken: a machine of one's own has that
# long to be told to begin, on a machine as slow as this one may be.
_PARAMETERS = ("UnmovedSeconds=30", "LeaseSeconds=31")
_START_SECONDS = 900
# Of a launcher that was asked to end, and ends its parts in their order.
_GRACE_SECONDS = 120


def processes_of(folder: Path) -> list[str]:
    """The command lines of processes that work in `folder`, or were told of it (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (
                (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            place = str((process / "cwd").readlink())
        except OSError:  # it has ended, or is not ours to look at
            continue
        if int(process.name) != os.getpid() and (str(folder) in command or str(folder) in place):
            found.append(f"{process.name} {command}")
    return found


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`cloud-runner local up` in `folder`, ready; ended by the block, or after it by SIGTERM."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "cli", "local", "up", "--state-dir", str(folder / "state")]
    with (folder / "up.log").open("wb") as log:
        process = tether.start(
            [*command, "--ready-file", str(ready), *arguments],
            env=dict(os.environ),
            cwd=PROJECT,
            stdout=log,
            stderr=log,
            grace=_GRACE_SECONDS,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((folder / "up.log").read_text())
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=_GRACE_SECONDS + PATIENCE_SECONDS)
        if process.stdin is not None:
            process.stdin.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running stack with the example and empty repositories: one for trivial jobs, and others."""
    folder = tmp_path_factory.mktemp("stack")
    arguments = [word for p in _PARAMETERS for word in ("--parameter", p)]
    arguments += [word for name in (TRIVIAL, *REPOSITORIES) for word in ("--repository", name)]
    with started(folder, *arguments):
        told: dict[str, Any] = json.loads((folder / "ready.json").read_text())
        port = int(told["bitbucket_page_url"].rstrip("/").rsplit(":", 1)[1])
        with Client(port, told["bitbucket_token"]) as bitbucket:
            yield World(told, bitbucket, folder)
    assert until(lambda: not processes_of(folder)), processes_of(folder)


@pytest.fixture
def clients(world: World) -> Callable[[str], Any]:
    """boto3 clients of the embedded account."""
    return world.client
