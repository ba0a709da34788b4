"""The experiment's processes, wherever they went: they carry the run's id in their environment."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from container.agent.place import say

MARK = "CLOUD_RUNNER_RUN"
_POLL_SECONDS = 0.05
_SECONDS = 10.0


def container(run_id: str) -> str:
    """The name of the experiment's container, if it has one."""
    return f"cloud-run-{run_id}"


def of(run_id: str) -> list[int]:
    """The living processes of an experiment."""
    mark = f"{MARK}={run_id}".encode()
    folders = Path("/proc").glob("[0-9]*")
    return [int(folder.name) for folder in folders if mark in _environment(folder)]


def _environment(folder: Path) -> list[bytes]:
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return []  # it has ended meanwhile, or is nobody's


def send(number: int, processes: Iterable[int]) -> None:
    """Send a signal to processes that may be gone."""
    for process in processes:
        with suppress(OSError):
            os.kill(process, number)


def end(run_id: str, group: int | None = None) -> None:
    """Kill what is left of an experiment: its process group, what carries its id, its container."""
    until = time.monotonic() + _SECONDS
    if group is not None:
        with suppress(OSError):  # it may have ended
            os.killpg(group, signal.SIGKILL)
    while (alive := of(run_id)) and time.monotonic() < until:
        send(signal.SIGKILL, alive)
        time.sleep(_POLL_SECONDS)


def end_container(run_id: str) -> None:
    """Remove the experiment's container, running or not, if there is such a thing."""
    try:
        subprocess.run(  # noqa: S603 - no shell, a name of ours
            ["docker", "rm", "--force", container(run_id)],  # noqa: S607 - the machine's own
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        say(f"removing the container: {error}")
