"""What people did and what they were told: to this the invariants hold the stack.

Everything here is written down where it happens, outside of the product and of its identifiers.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.events import Repository
from tests.simulation.job_endings import Ending
from tests.simulation.pushes import Commit

# A commit on a branch of a repository (its uuid): what a run is about.
About = tuple[str, str, str]


@dataclass
class Ask:
    """A commit on a branch that somebody may run, by a push or by command.

    `stored`: the stack has answered that it has it, so that it must not lose it. `by` is who asked,
    `at` when it was pushed.
    """

    repository: Repository
    branch: str
    commit: Commit
    by: str
    stored: bool = False
    at: float = 0.0

    @property
    def about(self) -> About:
        """What it is about."""
        return (self.repository.uuid, self.branch, self.commit.hash)

    def __str__(self) -> str:
        """For a message of an invariant."""
        return f"{self.repository.full_name} {self.branch} at {self.commit.hash[:12]} ({self.by})"


@dataclass(frozen=True)
class Left:
    """A result of a sweep's point, stored at `stored_at`; `told_ms` is when its name says it was.

    One that is not `readable` has a body that is none.
    """

    stored_at: float
    told_ms: int
    index: int
    ok: bool
    objective: float | None
    readable: bool = True


@dataclass(frozen=True)
class Rename:
    """A repository's other name, and when somebody adds it by that."""

    name: str
    added_at: float


@dataclass
class Ledger:
    """All that people, and Batch, have done so far.

    `canaries` are words of deliveries that were not authorised. `stops` are the names of who asked
    to stop a run, `reruns` how often somebody asked to run it again, by run id. `foreign_jobs` are
    somebody else's, `ended_outside` those of ours that somebody ended past the stack. `undefined`
    are the slugs of projects that lacked a job definition, each with the moment until which. `gone`
    are commits that Bitbucket has had no more, as (workspace/slug, commit). `hidden` are the times
    for which the stack has no access to a repository: from when until when. `complaints` are
    answers that must not be given: an invariant's name and a text. `renames` are the repositories
    that have another name by now, by uuid.

    `handled` are the ids of messages that a function has done, or that an operator has put back as
    others, `broken_off` the versions of records at which a command broke off, by run id.

    Batch writes as well: `endings` is how each job ended, by its id, `forgotten` the jobs that it
    does not know any more; `job_listeners` are told the id of each job that ends. `left` is what
    the points of a sweep have stored, by run id and attempt.
    """

    asks: dict[About, Ask] = field(default_factory=dict)
    canaries: set[str] = field(default_factory=set)
    stops: dict[str, set[str]] = field(default_factory=dict)
    reruns: Counter[str] = field(default_factory=Counter)
    foreign_jobs: set[str] = field(default_factory=set)
    ended_outside: set[str] = field(default_factory=set)
    undefined: dict[str, float] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)
    hidden: list[tuple[float, float]] = field(default_factory=list)
    complaints: list[tuple[str, str]] = field(default_factory=list)
    renames: dict[str, Rename] = field(default_factory=dict)
    handled: set[str] = field(default_factory=set)
    broken_off: set[tuple[str, int]] = field(default_factory=set)
    endings: dict[str, Ending] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    left: dict[tuple[str, int], list[Left]] = field(default_factory=dict)
    job_listeners: list[Callable[[str], None]] = field(default_factory=list)

    def asked(self, ask: Ask) -> Ask:
        """Note that somebody may ask for this; what was noted before stands."""
        return self.asks.setdefault(ask.about, ask)

    def ask_of(self, branch: str, commit: str) -> Ask | None:
        """Who asked for a run of that commit, a repository's own, on that branch."""
        asks = self.asks.values()
        return next(
            (one for one in asks if (one.branch, one.commit.hash) == (branch, commit)), None
        )

    def complain(self, name: str, text: str) -> None:
        """Note that an invariant is violated by what somebody was answered."""
        self.complaints.append((name, text))

    def asked_to_stop(self, run_id: str, by: str) -> None:
        """Note that somebody is about to stop a run."""
        self.stops.setdefault(run_id, set()).add(by)
