"""Where the embedded stack finds what it needs, and where it keeps its state."""

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TOOLS = PROJECT / ".tools"
DEFAULT_STATE = PROJECT / ".cloud-runner"


@dataclass(frozen=True)
class Tools:
    """The environments that `make setup` makes."""

    emulator_python: Path = TOOLS / "emulator/bin/python"
    job_environment: Path = TOOLS / "job"
    sam: Path = PROJECT / ".venv/bin/sam"

    def missing(self) -> list[Path]:
        """What is not there."""
        needed = (self.emulator_python, self.job_environment, self.sam)
        return [path for path in needed if not path.exists()]


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
    def bitbucket(self) -> Path:
        """Repositories, webhooks, statuses, comments."""
        return self.root / "bitbucket"

    @property
    def dvc_storage(self) -> Path:
        """The example's DVC remote."""
        return self.root / "dvc-storage"

    @property
    def token(self) -> Path:
        """The token of the Bitbucket stand-in, kept so that a clone made yesterday still pushes."""
        return self.root / "token"
