"""The run record: what it holds, how its states are ordered, how it moves forward.

All of it is pure: a function takes a record and returns the next one, or the same one when there
is nothing to change. `shared.run_store` writes it, by condition, with the version raised by one.
"""

import hashlib
from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.events import (
    Asked,
    Job,
    Machine,
    Model,
    Moment,
    Person,
    Progress,
    Repository,
    RunId,
    RunStateChanged,
    State,
)

OPEN_STATES: tuple[State, ...] = ("requested", "submitted", "running")
_RANK: dict[State, int] = {"requested": 0, "submitted": 1, "running": 2}
_FINAL_RANK = 3
# A record is an item of DynamoDB's, 400 KB at most, and the status shows 255 characters of it.
_LONGEST_REASON = 1000


class Stop(Model):
    """Somebody asked that an attempt be stopped."""

    by: str
    why: str
    attempt: int
    at: Moment


class Blocked(Model):
    """Why Batch cannot start the job, since when, and whether the status shows it yet."""

    reason: str
    since: Moment
    shown: bool = False


class Run(Model):
    """One run, as the table `Runs` holds it; `version` rises by one with every write.

    Repository, branch and commit are absent where a run was asked for by command without them.
    `lease_until` is the end of the submitter's claim on the current attempt, `lease_by` tells which
    call of it has claimed it last. A run with a `machine`
    of its own never has a job; `after` is the run that the machine had last before this one.
    `inferred`: the attempt's end was concluded from what EC2 says, and its machine may know better.
    """

    run_id: RunId
    version: int = 1
    attempt: int = 1
    try_number: Annotated[int, Field(alias="try")] = 1
    state: State
    reason: str | None = None
    exit_code: int | None = None
    repository: Repository | None = None
    branch: str | None = None
    commit: str | None = None
    pushed_by: Person = Person()
    asked: Asked
    job: Job | None = None
    progress: Progress | None = None
    machine: Machine | None = None
    after: RunId | None = None
    inferred: bool = False
    lease_until: Moment | None = None
    lease_by: str | None = None
    stop: Stop | None = None
    blocked: Blocked | None = None
    created_at: Moment
    requested_at: Moment
    submitted_at: Moment | None = None
    started_at: Moment | None = None
    stopped_at: Moment | None = None
    updated_at: Moment

    @property
    def final(self) -> bool:
        """Whether the current attempt is over."""
        return self.state not in _RANK

    @property
    def slug(self) -> str:
        """The slug of its repository, or of what takes its place in names where it has none."""
        return self.repository.slug if self.repository is not None else "command"

    @property
    def unreadable(self) -> bool:
        """Whether its keywords were rejected; the submitter's rejections come with a job's name."""
        return self.state == "rejected" and self.job is None

    @property
    def stop_asked(self) -> Stop | None:
        """The request to stop the current attempt, if there is one."""
        return self.stop if self.stop is not None and self.stop.attempt == self.attempt else None

    def changed(self, **changes: object) -> "Run":
        """A copy with `changes`."""
        return self.model_copy(update=changes)


def rank(state: State) -> int:
    """The place of a state in its attempt: 0 requested, 1 submitted, 2 running, 3 final."""
    return _RANK.get(state, _FINAL_RANK)


def commit_run_id(stack: str, repository_uuid: str, branch: str, commit: str) -> RunId:
    """The identity of a commit's run: to one stack a commit on a branch is one run.

    24 hexadecimal digits. The parts are lengths first, so that no two sets of them run together. A
    repository may be in several stacks (`Names.stack`): what Bitbucket holds of a run is named by
    its id alone, so no two stacks may have one in common (docs/decisions/0033).
    """
    return _run_id("commit", stack, repository_uuid, branch, commit)


def request_run_id(stack: str, request_id: str) -> RunId:
    """The identity of a run asked for by command: a request id that the client made first.

    The client may ask two stacks with one: an experiment's follows from what is in its queue.
    """
    return _run_id("request", stack, request_id)


def _run_id(*parts: str) -> RunId:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return RunId(hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24])


def new_run(
    run_id: RunId,
    asked: Asked,
    now: datetime,
    *,
    repository: Repository | None = None,
    branch: str | None = None,
    commit: str | None = None,
    pushed_by: Person | None = None,
    rejection: str | None = None,
    machine: Machine | None = None,
) -> Run:
    """The record of a run that was just asked for: `requested`, or `rejected` with the reason."""
    return Run(
        run_id=run_id,
        state="requested" if rejection is None else "rejected",
        reason=rejection and rejection[:_LONGEST_REASON],
        repository=repository,
        branch=branch,
        commit=commit,
        pushed_by=pushed_by or Person(),
        asked=asked,
        machine=machine,
        created_at=now,
        requested_at=now,
        stopped_at=None if rejection is None else now,
        updated_at=now,
    )


def finish(run: Run, state: State, reason: str, now: datetime) -> Run:
    """The record with its current attempt ended without a job's answer."""
    if run.final:
        return run
    return run.changed(
        state=state, reason=reason, stopped_at=now, lease_until=None, blocked=None, updated_at=now
    )


def ask_stop(run: Run, by: str, why: str, now: datetime) -> Run:
    """The record with the request to stop its current attempt; the first request stands."""
    if run.final or run.stop_asked is not None:
        return run
    return run.changed(stop=Stop(by=by, why=why, attempt=run.attempt, at=now), updated_at=now)


def stopped_by(stop: Stop) -> str:
    """Who stopped an attempt and why, in words."""
    return f"stopped by {stop.by}: {stop.why}"


def ask_again(run: Run, now: datetime) -> Run:
    """The record with a new attempt, once the current one is over; else the same record.

    Keywords that could not be read stay unread: such a run has nothing to try again. Nor has one
    whose machine was one's own, which only a command makes ready.
    """
    if not run.final or run.unreadable or run.machine is not None:
        return run
    return run.changed(
        attempt=run.attempt + 1,
        try_number=1,
        state="requested",
        reason=None,
        exit_code=None,
        job=None,
        progress=None,
        lease_until=None,
        blocked=None,
        requested_at=now,
        submitted_at=None,
        started_at=None,
        stopped_at=None,
        updated_at=now,
    )


def state_changed(run: Run) -> RunStateChanged:
    """The event that tells of the record as it stands."""
    return RunStateChanged.model_construct(
        **{name: getattr(run, name) for name in RunStateChanged.model_fields}
    )
