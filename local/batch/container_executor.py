"""Runs a job in its image, with podman or Docker."""

import math
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import tether
from local.batch.executors import RunningTask, Task, TetheredProcess
from local.batch.mounts import Mount

_ENGINE_SECONDS: Final = 10
# What the engine's own program needs of our environment.
_CLIENT_VARIABLES: Final = ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "CONTAINER_HOST")


def run_argv(program: str, task: Task, environment_file: Path) -> list[str]:
    """The command line. It names no value of a variable, so that `ps` shows no secret.

    The network is the host's, for the embedded AWS listens on loopback only.
    """
    by_name = [f"--env={name}" for name in task.environment if not _fits_a_line(task, name)]
    return [
        *(program, "run", "--rm", f"--name={task.name}", "--network=host"),
        f"--env-file={environment_file}",
        *by_name,
        *(_volume(mount) for mount in task.mounts),
        task.image,
        *task.command,
    ]


def _volume(mount: Mount) -> str:
    read_only = ",readonly" if mount.read_only else ""
    return f"--mount=type=bind,source={mount.source},target={mount.target}{read_only}"


def environment_lines(task: Task) -> str:
    """The file of variables. It knows no quoting: a value of several lines goes by name instead."""
    return "".join(
        f"{name}={value}\n" for name, value in task.environment.items() if _fits_a_line(task, name)
    )


def _fits_a_line(task: Task, name: str) -> bool:
    return not set(task.environment[name]) & {"\n", "\r"}


@dataclass(frozen=True)
class TetheredContainer:
    """A container, and the engine's program that shows it, which is tied to us."""

    client: TetheredProcess
    program: str
    name: str
    grace: float

    def wait(self, seconds: float | None) -> int | None:
        """The container's exit code: the engine's program answers with it."""
        return self.client.wait(seconds)

    def stop(self) -> None:
        """Let the engine send SIGTERM, and SIGKILL after the grace."""
        threading.Thread(target=self._stop, daemon=True).start()

    def _stop(self) -> None:
        patience = math.ceil(self.grace)
        if not self._tell("stop", f"--time={patience}", seconds=patience + _ENGINE_SECONDS):
            self.client.stop()  # there is no container yet: keep it from coming

    def kill(self) -> None:
        """End the container, then the program that shows it."""
        self._tell("kill", seconds=_ENGINE_SECONDS)
        self.client.kill()

    def _tell(self, *command: str, seconds: float) -> bool:
        """Give the engine a command about the container; answer whether it could do it."""
        done = subprocess.run(
            [self.program, *command, self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
        return done.returncode == 0


@dataclass(frozen=True)
class ContainerExecutor:
    """Runs a job's image. An image that cannot be pulled shows as the engine's exit code 125."""

    program: str
    grace: float

    def start(self, task: Task) -> RunningTask:
        """Start the container."""
        file = task.scratch / "environment"
        file.touch(mode=0o600)
        file.write_text(environment_lines(task), encoding="utf-8")
        with task.log.open("ab") as log:
            client = tether.start(
                run_argv(self.program, task, file),
                env=_client_environment(os.environ, task),
                cwd=task.scratch,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return TetheredContainer(TetheredProcess(client), self.program, task.name, self.grace)


def _client_environment(ours: Mapping[str, str], task: Task) -> dict[str, str]:
    """The engine's environment, and the values that it passes on by name."""
    kept = {name: ours[name] for name in _CLIENT_VARIABLES if name in ours}
    by_name = {
        name: value for name, value in task.environment.items() if not _fits_a_line(task, name)
    }
    return by_name | kept
