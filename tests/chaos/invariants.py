"""What must hold once all is quiet, however it was until then."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from local.aws import REGION
from services.notifier.statuses import Links, status
from shared.events import RunId
from shared.runs import Run, commit_run_id
from tests.chaos.evidence import Evidence
from tests.chaos.pushing import Pushed
from tests.e2e.world import NAMES

_ENDS = {"SUCCEEDED": "succeeded", "FAILED": "failed"}
# What people must see of a run's end: told here once more, lest the notifier be its own judge.
_SHOWN = {"succeeded": "SUCCESSFUL", "failed": "FAILED"}


@dataclass(frozen=True)
class Verdict:
    """One thing that must hold: for how many it was looked at, and for which it does not."""

    what: str
    looked_at: int
    wrong: tuple[str, ...]


def verdicts(seen: Evidence) -> list[Verdict]:
    """Whether all of it holds."""
    rules: tuple[tuple[str, Callable[[Evidence], Iterable[str | None]]], ...] = (
        ("pushes that have a record", _pushes_without_a_record),
        ("records that have a push", _records_without_a_push),
        ("records that have exactly one job per attempt", _jobs_of_attempts),
        ("jobs that are their run's, and have ended", _jobs_of_runs),
        ("records that say how their job ended", _ends_of_records),
        ("statuses that say what the record says", _statuses),
        ("statuses that tell success, failure and exit code", _truths),
        ("commits that asked for nothing, and got nothing", _asked_for_nothing),
        ("records whose newest version was on the bus", _versions_on_the_bus),
        ("queues that are empty, those of dead letters too", _queues),
    )
    found = []
    for what, rule in rules:
        said = list(rule(seen))
        found.append(Verdict(what, len(said), tuple(text for text in said if text is not None)))
    leaks = tuple(f"a secret stands in {place}" for place in seen.leaks)
    found.append(Verdict("logs, events and records without a secret", seen.searched, leaks))
    return found


def heard_of(pushed: Pushed, deliveries: Iterable[Mapping[str, object]]) -> bool:
    """Whether Bitbucket was ever told that a push is taken: what the promise begins with."""
    return any(one["status"] == HTTPStatus.ACCEPTED for one in _about(pushed, deliveries))


def told_of(pushed: Pushed, deliveries: Iterable[Mapping[str, object]]) -> bool:
    """Whether Bitbucket has tried to tell of a push."""
    return any(True for _ in _about(pushed, deliveries))


def run_of(pushed: Pushed, uuids: Mapping[str, str]) -> RunId:
    """The run that a push asks for."""
    return commit_run_id(NAMES.stack, uuids[pushed.repository], pushed.branch, pushed.commit)


def _about(
    pushed: Pushed, deliveries: Iterable[Mapping[str, object]]
) -> Iterator[Mapping[str, object]]:
    for one in deliveries:
        heads = one["heads"]
        if isinstance(heads, list) and pushed.commit in heads:
            yield one


def _name(pushed: Pushed) -> str:
    return f"{pushed.repository} {pushed.branch} {pushed.commit[:12]}"


def _pushes_without_a_record(seen: Evidence) -> Iterator[str | None]:
    for one in seen.pushed:
        known = run_of(one, seen.uuids) in seen.records
        yield None if known else f"{_name(one)} has no record"


def _records_without_a_push(seen: Evidence) -> Iterator[str | None]:
    asked = {run_of(one, seen.uuids) for one in seen.pushed}
    for run_id, run in seen.records.items():
        yield None if run_id in asked else f"run {run_id} of {run.branch} was not asked for"


def _jobs_of_attempts(seen: Evidence) -> Iterator[str | None]:
    for run in seen.records.values():
        counts = [len(seen.jobs.get((run.run_id, str(n + 1)), ())) for n in range(run.attempt)]
        right = counts == [1] * run.attempt
        yield None if right else f"run {run.run_id}, {run.state}: jobs of its attempts {counts}"


def _jobs_of_runs(seen: Evidence) -> Iterator[str | None]:
    for (run_id, _), jobs in seen.jobs.items():
        for job in jobs:
            run = seen.records.get(RunId(run_id))
            right = (
                run is not None
                and run.job is not None
                and run.job.id == job["jobId"]
                and job["status"] in _ENDS
            )
            yield None if right else f"job {job['jobId']} of run {run_id} is {job['status']}"


def _ends_of_records(seen: Evidence) -> Iterator[str | None]:
    for run in seen.records.values():
        yield _end_of(run, seen)


def _end_of(run: Run, seen: Evidence) -> str | None:
    jobs = seen.jobs.get((run.run_id, str(run.attempt)), ())
    ends = [(_ENDS.get(job["status"]), job["container"].get("exitCode")) for job in jobs]
    if ends == [(run.state, run.exit_code)]:
        return None
    return f"run {run.run_id} says {run.state}, {run.exit_code}; Batch says {ends}"


def _statuses(seen: Evidence) -> Iterator[str | None]:
    for run in seen.records.values():
        wanted = status(run, Links(REGION), NAMES.stack)
        shown = [
            {"key": one["key"], "refname": one["refname"], **one["writes"][-1]}
            for one in _statuses_of(run, seen)
        ]
        found = [{name: one[name] for name in wanted} for one in shown]
        yield None if found == [wanted] else f"run {run.run_id} is {run.state}, shown is {found}"


def _truths(seen: Evidence) -> Iterator[str | None]:
    for run in seen.records.values():
        shown = [one["writes"][-1] for one in _statuses_of(run, seen)]
        told = [(one["state"], str(one["description"])) for one in shown]
        right = [state for state, _ in told] == [_SHOWN.get(run.state)]
        if run.state == "failed" and run.exit_code is not None:
            code = re.compile(rf"\bexit code {run.exit_code}\b")
            right = right and all(code.search(text) for _, text in told)
        yield None if right else f"run {run.run_id} is {run.state}, {run.exit_code}; told is {told}"


def _statuses_of(run: Run, seen: Evidence) -> Sequence[Mapping[str, Any]]:
    repository = run.repository.full_name if run.repository is not None else ""
    return seen.statuses.get((repository, run.commit or ""), ())


def _asked_for_nothing(seen: Evidence) -> Iterator[str | None]:
    for one in seen.pushed:
        if one.beside is None:
            continue
        branch, commit = one.beside
        got = (one.repository, commit) in seen.statuses
        yield f"{branch} of {one.repository} asked for nothing and has a status" if got else None


def _versions_on_the_bus(seen: Evidence) -> Iterator[str | None]:
    for run in seen.records.values():
        heard = seen.heard.get(run.run_id)
        right = heard is not None and heard.version == run.version
        yield None if right else f"run {run.run_id} is at version {run.version}, heard was {heard}"


def _queues(seen: Evidence) -> Iterator[str | None]:
    for name, messages in seen.messages.items():
        yield f"{name} holds {messages}" if messages else None
