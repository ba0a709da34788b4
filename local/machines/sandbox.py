"""A machine in a directory: its processes are real, its disk is the directory, its power a signal.

It does what an EC2 instance with cloud-init does with a program that keeps to one rule: that every
absolute path it touches is put under the variable CLOUD_RUNNER_ROOT. Nothing here needs root's
rights, and root's are safe with it: its `shutdown` and whatever else ends a system are programs of
its own, which come first on its PATH.
"""

import contextlib
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.machines import processes
from local.machines.sandbox_programs import NO_SYSTEMD, SHUTDOWN
from local.machines.user_data import scripts_in

ROOT_VARIABLE: Final = "CLOUD_RUNNER_ROOT"
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DIRECTORIES: Final = (
    *("bin", "proc/sys/kernel/random", "root", "run", "tmp", "var/log", "var/tmp"),
    *("var/lib/cloud/instance/scripts", "var/lib/cloud/scripts/per-boot"),
)
_POLL_SECONDS: Final = 0.02
# As GNU timeout says it.
_TIMED_OUT: Final = 124
_PYTHON: Final = """#!/bin/sh
exec {interpreter} "$@"
"""


@dataclass(frozen=True)
class Done:
    """How a script ended: its exit code (124 if its time was over), and what it wrote."""

    code: int
    stdout: bytes
    stderr: bytes


class Sandbox:
    """A machine whose disk is the directory `root`; it is off until it is booted.

    `environment` is what every program on it finds, beside what this class adds; an endpoint that
    stands for AWS, say. Its `python3` is `interpreter`, which should be able to import boto3.
    """

    def __init__(
        self, root: Path, environment: Mapping[str, str], interpreter: str = sys.executable
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._interpreter = interpreter
        self._environment = {
            **environment,
            ROOT_VARIABLE: str(self.root),
            "HOME": str(self.root / "root"),
            "PATH": f"{self.root / 'bin'}:{environment.get('PATH', _SYSTEM_PATH)}",
            "TMPDIR": str(self.root / "tmp"),
        }

    def boot(self, user_data: bytes, seconds: float = 600) -> None:
        """Start it for the first time: install it, and run the scripts of its user data.

        They are run one after the other, as cloud-init does; one that takes longer than `seconds`
        is left running. What they write is in var/log/cloud-init-output.log.

        Raises:
            ValueError: the user data is of no form that is known here.
        """
        scripts = scripts_in(user_data)
        self._install()
        self._power_on(seconds)
        folder = self.root / "var/lib/cloud/instance/scripts"
        for number, script in enumerate(scripts, 1):
            path = folder / f"part-{number:03}"
            path.write_bytes(script)
            path.chmod(0o700)
            self._run_at_boot(path, seconds)

    def start(self, seconds: float = 600) -> None:
        """Start it again, after it was off: user data is for the first time only."""
        self._power_on(seconds)

    def run(self, script: str, seconds: float) -> Done:
        """Run a script of sh as root would, through Systems Manager say.

        What it starts in the background lives on. A script that takes longer than `seconds` is
        killed.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            child = subprocess.Popen(
                ["/bin/sh", "-c", script],
                cwd=self.root / "root",
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            try:
                code = child.wait(seconds)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                code = _TIMED_OUT
            output.seek(0)
            errors.seek(0)
            return Done(code if code >= 0 else 128 - code, output.read(), errors.read())

    @property
    def asked_to_end(self) -> bool:
        """Whether its `shutdown` has been called, and the time that was named there has come."""
        return (self.root / "run/asked-to-end").exists()

    @property
    def shutdown_calls(self) -> list[str]:
        """The calls of `shutdown`, `poweroff` and `halt` since it was started, word by word."""
        noted = self.root / "run/shutdown.calls"
        return noted.read_text().splitlines() if noted.exists() else []

    @property
    def supervisor(self) -> int | None:
        """The process that runs an experiment on it, by the agent's lock; None if there is none."""
        try:
            with (self.root / "var/lib/cloud-runner/agent.lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            told = (self.root / "var/lib/cloud-runner/agent.lock").read_text().split()
            return int(told[0]) if told else None
        return None

    def processes(self) -> list[int]:
        """The ids of all its processes."""
        return processes.marked(ROOT_VARIABLE, str(self.root))

    def power_off(self, grace_seconds: float = 0) -> None:
        """End all its processes; with a grace as a system that shuts down, SIGTERM first."""
        told: set[int] = set()
        until = time.monotonic() + grace_seconds
        while time.monotonic() < until and (alive := self.processes()):
            processes.send(signal.SIGTERM, set(alive) - told)
            told |= set(alive)
            time.sleep(_POLL_SECONDS)
        while alive := self.processes():  # one may have started another meanwhile
            processes.send(signal.SIGKILL, alive)
            time.sleep(_POLL_SECONDS)

    def _install(self) -> None:
        for name in _DIRECTORIES:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in ("shutdown", "poweroff", "halt"):
            self.command(name, SHUTDOWN.format(root=shlex.quote(str(self.root))))
        for name in ("systemctl", "systemd-run", "reboot", "init", "telinit"):
            self.command(name, NO_SYSTEMD)
        self.command("python3", _PYTHON.format(interpreter=shlex.quote(self._interpreter)))

    def command(self, name: str, script: str) -> None:
        """Give it a program, or another one in its place."""
        path = self.root / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    def _power_on(self, seconds: float) -> None:
        for name in ("asked-to-end", "shutdown.calls", "shutdown.timer"):
            (self.root / "run" / name).unlink(missing_ok=True)
        (self.root / "proc/sys/kernel/random/boot_id").write_text(f"{uuid.uuid4()}\n")
        for path in sorted((self.root / "var/lib/cloud/scripts/per-boot").iterdir()):
            self._run_at_boot(path, seconds)

    def _run_at_boot(self, path: Path, seconds: float) -> None:
        with (self.root / "var/log/cloud-init-output.log").open("ab") as log:
            try:
                child = subprocess.Popen(
                    [path],
                    cwd=self.root / "root",
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:  # as a script whose interpreter is not there
                log.write(f"{path.name}: {error.strerror}\n".encode())
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(seconds)
