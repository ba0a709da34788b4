"""What a try's container is on this machine. By default: a process group, tied to the endpoint."""

import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local import tether
from local.batch.environment import machine_variables
from local.batch.mounts import Mount, on_machine


class CannotStart(Exception):
    """The container cannot be started; the text is what Docker would say."""


@dataclass(frozen=True)
class Task:
    """What is to run. `environment` is what Batch gives; `scratch` is the task's alone."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    scratch: Path
    log: Path
    mounts: tuple[Mount, ...] = ()


class RunningTask(Protocol):
    """A container that has been started."""

    def wait(self, seconds: float | None) -> int | None:
        """The exit code, 128 + n after signal n; None if it still runs after some seconds."""

    def stop(self) -> None:
        """Ask it to end, SIGTERM first and SIGKILL after the grace; does not wait."""

    def kill(self) -> None:
        """End it at once."""


class Executor(Protocol):
    """What can start a container."""

    def start(self, task: Task) -> RunningTask:
        """Start it; raises CannotStart."""


@dataclass(frozen=True)
class TetheredProcess:
    """A program in a process group that the tether ends."""

    process: "subprocess.Popen[bytes]"

    def wait(self, seconds: float | None) -> int | None:
        """The program's exit code, once it and all that it started are gone."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        if self.process.stdin is not None:
            self.process.stdin.close()
        # Below zero the tether itself was killed, and its program with it.
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """SIGTERM to the group; the tether sends SIGKILL after its grace."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self.process.send_signal(signal.SIGQUIT)


@dataclass(frozen=True)
class ProcessExecutor:
    """Runs a job's command as it stands, in its scratch directory; the image is not used.

    A process has no mounts of its own: words of its command, and values of its variables, that
    begin with a path that is mounted get the path on this machine instead.
    """

    job_path: str
    grace: float

    def start(self, task: Task) -> RunningTask:
        """Start the command; raises CannotStart if there is no such program."""
        environment = machine_variables(task.scratch, self.job_path) | {
            name: on_machine(value, task.mounts) for name, value in task.environment.items()
        }
        command = [on_machine(word, task.mounts) for word in task.command]
        _require(command, task.scratch, environment["PATH"])
        (task.scratch / "tmp").mkdir(exist_ok=True)
        with task.log.open("ab") as log:
            return TetheredProcess(
                tether.start(
                    command,
                    env=environment,
                    cwd=task.scratch,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    grace=self.grace,
                )
            )


def _require(command: Sequence[str], scratch: Path, path: str) -> None:
    """Docker finds the program before it starts anything; so must we, to tell the two apart."""
    if not command:
        raise CannotStart("no command specified")
    program = command[0]
    # A relative path is one in the scratch directory; a plain name is looked up.
    wanted = str(scratch / program) if "/" in program else program
    if shutil.which(wanted, path=path) is None:
        raise CannotStart(f'exec: "{program}": executable file not found in $PATH')
