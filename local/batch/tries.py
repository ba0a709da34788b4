"""One try of a job: its secrets, its container, its timeout, and how it ended."""

import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from local.batch.arns import log_stream
from local.batch.environment import CloudAccess, job_variables
from local.batch.executors import CannotStart, Executor, RunningTask, Task
from local.batch.job_secrets import SecretSource, SecretUnreadable, read_secrets
from local.batch.jobs import ENDED, NOT_STARTED, TIMED_OUT, Job, Outcome, lost_with
from local.batch.mounts import UnknownVolume, mounts_of
from local.batch.submission import substituted

log = logging.getLogger(__name__)


class Cause(Enum):
    """Why a try is ended from outside."""

    TERMINATED = auto()
    """Somebody asked Batch to: SIGTERM, then SIGKILL."""
    RECLAIMED = auto()
    """The machine is gone."""
    SHUT_DOWN = auto()
    """The endpoint ends; for the job, that is the machine gone, noticed at the next start."""


@dataclass(frozen=True)
class Machine:
    """What every try on this machine shares. `time_scale` shortens a job's timeout in tests."""

    state_dir: Path
    executor: Executor
    secrets: SecretSource
    cloud: CloudAccess
    time_scale: float

    def scratch(self, job: Job) -> Path:
        """The directory of the job's current try; a colon would end PATH and host names."""
        return self.state_dir / "jobs" / job.job_id.replace(":", "/") / str(job.try_number)

    def log_file(self, job: Job) -> Path:
        """Where the output of the job's current try goes."""
        task_arn = job.running_on.task_arn if job.running_on else None
        stream = log_stream(job.job_definition, (task_arn or "").rpartition("/")[2])
        return self.state_dir / "logs" / f"{stream}.log"


class Try:
    """A try that can be ended while it runs."""

    def __init__(self, job: Job, queue: str, compute_environment: str, machine: Machine) -> None:
        self._job = job
        self._queue = queue
        self._compute_environment = compute_environment
        self._machine = machine
        self._lock = threading.Lock()
        self._cause: Cause | None = None
        self._task: RunningTask | None = None

    def end(self, cause: Cause) -> None:
        """End the try; a machine that is gone cannot be asked politely any more."""
        with self._lock:
            self._cause = cause
            if self._task is not None:
                _end(self._task, cause)

    def kill(self) -> None:
        """End the try's processes at once, for whatever cause it was told."""
        with self._lock:
            if self._task is not None:
                self._task.kill()

    def run(self, on_running: Callable[[], object]) -> Outcome | None:
        """Run to the end, calling `on_running` once it runs; None if the endpoint shuts down."""
        scratch = self._machine.scratch(self._job)
        try:
            task = self._start(scratch)
        except SecretUnreadable as error:
            reason = f"unable to pull secrets or registry auth: {error}"
            return Outcome(NOT_STARTED, reason=f"ResourceInitializationError: {reason}")
        except (CannotStart, UnknownVolume, OSError) as error:
            return Outcome(NOT_STARTED, reason=f"CannotStartContainerError: {error}")
        else:
            on_running()
            with self._lock:
                self._task = task
                if self._cause is not None:  # told while it was starting
                    _end(task, self._cause)
            return self._outcome(task)
        finally:
            # A container's disk is gone with it: what a job does not push is lost.
            shutil.rmtree(scratch, ignore_errors=True)

    def _start(self, scratch: Path) -> RunningTask:
        job, machine = self._job, self._machine
        secrets = read_secrets(job.container.secrets, machine.secrets)
        log_file = machine.log_file(job)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        scratch.mkdir(parents=True, exist_ok=True)
        return machine.executor.start(
            Task(
                name=f"batch-{job.job_id.replace(':', '-')}-{job.try_number}",
                image=job.container.image or "",
                command=substituted(job.container.command, job.parameters),
                environment=job_variables(
                    job, self._queue, self._compute_environment, machine.cloud, secrets
                ),
                scratch=scratch,
                log=log_file,
                mounts=mounts_of(job.container, scratch),
            )
        )

    def _outcome(self, task: RunningTask) -> Outcome | None:
        seconds = self._job.timeout.attempt_duration_seconds if self._job.timeout else None
        code = task.wait(None if seconds is None else seconds * self._machine.time_scale)
        timed_out = code is None
        if code is None:
            task.stop()
            code = task.wait(None)
        match self._cause:
            case Cause.SHUT_DOWN:
                return None
            case Cause.RECLAIMED:
                return lost_with(self._job.instance or "unknown")
            case _ if timed_out:
                return Outcome(TIMED_OUT, code, may_retry=False)
            case _:
                return Outcome(ENDED, code)


def _end(task: RunningTask, cause: Cause) -> None:
    if cause is Cause.RECLAIMED:
        task.kill()
    else:
        task.stop()
