"""What the monitor needs besides the message."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.batch_jobs import BatchJobs
from shared.machines import Machines
from shared.run_store import RunStore


@dataclass(frozen=True)
class Dependencies:
    """The records, and where jobs and machines are ended."""

    runs: RunStore
    jobs: BatchJobs
    machines: Machines
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
