"""Which runs a list shows: the filters, and the newest of those that pass them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from cli.runs.finding import STATES, newest_first
from shared.events import State
from shared.run_store import RunStore
from shared.runs import Run

# A record is a kilobyte or so: enough for a screen, and far less than the megabyte of a full page.
_PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """The filters; what is None or empty lets everything pass. `by` is part of a name or an id."""

    states: Sequence[State] = ()
    repository: str | None = None
    branch: str | None = None
    commit: str | None = None
    since: datetime | None = None
    by: str | None = None

    def __call__(self, run: Run) -> bool:
        """Whether a run passes."""
        there = run.repository.full_name.lower() if run.repository is not None else None
        return (
            self.repository in (None, there)
            and self.branch in (None, run.branch)
            and (self.commit is None or (run.commit or "").startswith(self.commit.lower()))
            and (self.by is None or _is_by(run, self.by.lower()))
        )

    def select(self, records: RunStore) -> Iterator[Run]:
        """The runs that pass, the one that changed last first; read as they are asked for."""
        states = self.states or STATES
        found = newest_first(records.latest(state, _PAGE) for state in states)
        since = self.since
        if since is not None:
            found = takewhile(lambda run: run.updated_at >= since, found)
        return filter(self, found)


def _is_by(run: Run, part: str) -> bool:
    return any(part in (known or "").lower() for known in (run.pushed_by.name, run.pushed_by.id))
