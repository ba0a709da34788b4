"""Where the embedded stack finds what it needs, and where it keeps its state."""

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TOOLS = PROJECT / ".tools"
DEFAULT_STATE = PROJECT / ".cloud-runner"


class StackError(Exception):
    """The stack cannot go on; the text says why and what to do."""


@dataclass(frozen=True)
class Tools:
    """The environments that `make setup` makes."""

    emulator_python: Path = TOOLS / "emulator/bin/python"
    job_environment: Path = TOOLS / "job"
    sam: Path = PROJECT / ".venv/bin/sam"

    def check(self) -> None:
        """Say what to do if one of them is not there, or cannot work on this machine."""
        # The job's program guards its credentials with Linux's own means: prctl, /proc, memfd.
        if sys.platform != "linux":
            message = (
                "jobs need Linux: on macOS or Windows, use a virtual machine, WSL or a container"
            )
            raise StackError(message)
        for path in (self.emulator_python, self.sam):
            if not path.exists():
                message = f"{path} is not there: run make setup"
                raise StackError(message)
        if not (self.job_environment / "bin/dvc").exists():
            message = (
                f"{self.job_environment} has no bin/dvc: run make setup, or make a virtual "
                "environment with dvc and what your stages import"
            )
            raise StackError(message)


@dataclass(frozen=True)
class StateDir:
    """One stack's state; repositories, their statuses and their data outlive the stack."""

    root: Path

    @property
    def logs(self) -> Path:
        """The log of each part."""
        return self.root / "logs"

    @property
    def aws(self) -> Path:
        """Scratch of the embedded AWS, which forgets everything when it ends."""
        return self.root / "aws"

    @property
    def batch(self) -> Path:
        """Jobs, their logs and scratch directories."""
        return self.root / "batch"

    @property
    def machines(self) -> Path:
        """The disks of machines of one's own."""
        return self.root / "machines"

    @property
    def bitbucket(self) -> Path:
        """Repositories, webhooks, statuses, comments."""
        return self.root / "bitbucket"

    @property
    def dvc_storage(self) -> Path:
        """The example's DVC remote."""
        return self.root / "dvc-storage"

    @property
    def dvc_cache(self) -> Path:
        """What jobs share of DVC's caches, as on one machine of the cloud."""
        return self.root / "dvc-cache"

    @property
    def program(self) -> Path:
        """The job's program, in the folder that a machine of the cloud would have it in."""
        return self.root / "program"

    @contextmanager
    def held(self) -> Iterator[None]:
        """One stack at a time in one directory: a second one would pull the first one's away."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = f"a stack is running in {self.root}: end it, or name another --state-dir"
                raise StackError(message) from error
            yield

    def prepare(self, *, keep_repositories: bool) -> None:
        """Make the folders; forget jobs, machines and AWS, which know nothing of this start."""
        kept = (self.bitbucket, self.dvc_storage, self.dvc_cache)
        made = (self.logs, self.aws, self.batch, self.machines, *kept)
        for folder in (*made, self.working_copy):
            if not (keep_repositories and folder in kept):
                shutil.rmtree(folder, ignore_errors=True)
        for folder in made:
            folder.mkdir(parents=True, exist_ok=True)

    def forget(self) -> None:
        """Remove what nobody needs once the stack has ended: copies of functions, most of it."""
        shutil.rmtree(self.aws, ignore_errors=True)

    @property
    def job_logs(self) -> Path:
        """The log of each job."""
        return self.batch / "logs"

    @property
    def working_copy(self) -> Path:
        """The demo's clone."""
        return self.root / "working-copy"

    @property
    def bitbucket_port(self) -> Path:
        """The port that Bitbucket had, so that a clone made yesterday still finds it."""
        return self.root / "bitbucket-port"

    @property
    def token(self) -> Path:
        """The token of the Bitbucket stand-in, kept so that a clone made yesterday still pushes."""
        return self.root / "token"
