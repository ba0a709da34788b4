"""What a look at a sweep needs besides its message."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from shared.batch_jobs import BatchJobs
from shared.best import BestResults
from shared.events import Repository
from shared.points import Place
from shared.run_store import RunStore
from shared.sweep_results import SweepResults


class PostsComments(Protocol):
    """Where the report goes."""

    def comment(self, repository: Repository, commit: str, marker: str, text: str) -> None:
        """Let the commit carry one comment that holds `marker`, with this text."""


@dataclass(frozen=True)
class Dependencies:
    """The record, Batch, the results, and where those of a sweep that is over go."""

    runs: RunStore
    jobs: BatchJobs
    results: Callable[[Place], SweepResults]
    best: BestResults
    bitbucket: PostsComments
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
