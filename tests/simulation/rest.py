"""The invariants at rest: nothing moves any more, so everything has to be told, and true."""

from collections.abc import Iterable
from typing import Any

from services.notifier.statuses import Links, status
from shared.runs import Run
from tests.samples import REGION
from tests.simulation.job_endings import Ending
from tests.simulation.jobs import LISTED_LATE, Jobs
from tests.simulation.ledger import Ledger
from tests.simulation.pollers import sources
from tests.simulation.records import FINAL, Record, Records, named, stop_of
from tests.simulation.violations import Violation
from tests.simulation.world import World

_OVER = ("SUCCEEDED", "FAILED")
# What a record says of a job that Batch has forgotten.
_GONE = "does not know the job"
_SHOWN = {"succeeded": "SUCCESSFUL", "stopped": "STOPPED"}
_LINKS = Links(REGION)
URLS = tuple(source.url for source in sources())


def check(world: World, records: Records, jobs: Jobs, published: set[tuple[str, int]]) -> None:
    """See that all is well once nothing moves; `published` are run ids and versions on the bus.

    Raises:
        Violation: something is not.

    """
    _check_messages(world)
    _check_asks(world.ledger, records)
    _check_ends(world, jobs)
    for (run_id, number), record in sorted(records.attempts.items()):
        _check_truth(world, record, jobs.of_attempts.get((run_id, number), []))
    for run_id, record in sorted(records.latest.items()):
        if (run_id, record["version"]) not in published:
            raise Violation("every-write-published", f"{named(record)}: it is not on the bus")
        _check_status(world, record)


def _check_messages(world: World) -> None:
    for url in URLS:
        queue = url.rpartition("/")[2]
        waiting, dead = world.sqs.waiting(url), world.sqs.dead(url)
        if waiting:
            text = f"{len(waiting)} wait in {queue}, the first with {waiting[0].body[:120]}"
            raise Violation("message-stuck", text)
        if dead:
            text = f"{len(dead)} of {queue} after redriving, the first with {dead[0].body[:120]}"
            raise Violation("dead-letters-heal", text)
    for url, message in world.sqs.sent:
        if message.gone and not message.receives:
            text = f"{message.id} of {url.rpartition('/')[2]} is gone, and nobody received it"
            raise Violation("message-lost", text)


def _check_asks(ledger: Ledger, records: Records) -> None:
    """Whoever was told that it is stored, has a record."""
    have = {id(records.ask_of(record)) for record in records.latest.values()}
    for ask in ledger.asks.values():
        if ask.stored and ask.commit.wanted is not None and id(ask) not in have:
            raise Violation("push-without-record", f"{ask} was answered, and has no record")


def _check_ends(world: World, jobs: Jobs) -> None:
    of_job = {job: attempt for attempt, some in jobs.of_attempts.items() for job in some}
    for job_id, job in world.batch.jobs.items():
        if job["status"] not in _OVER and job_id not in world.ledger.foreign_jobs:
            run_id, attempt = of_job.get(job_id, ("?", 0))
            which = " (its second job)" if jobs.of_attempts.get((run_id, attempt), [])[1:] else ""
            text = f"run {run_id[:8]} attempt {attempt}: job {job_id} is {job['status']}{which}"
            raise Violation("job-runs-on", text)


def _check_truth(world: World, record: Record, jobs: list[str]) -> None:
    """See that the last word of an attempt is true of its job."""
    who, state = named(record), record["state"]
    if state not in FINAL:
        job = (record.get("job") or {}).get("id")
        raise Violation("run-ends", f"{who}: it is {state} for ever, job {job}, jobs {jobs}")
    job_id = (record.get("job") or {}).get("id")
    if job_id is None:
        _check_no_job(world, record, jobs)
        return
    if job_id not in jobs:
        raise Violation("true-job", f"{who}: it follows {job_id}, its jobs are {jobs}")
    ending = world.ledger.endings.get(job_id)
    if ending is None:
        raise Violation("true-end", f"{who}: it is {state}, and {job_id} has not ended")
    if job_id in world.ledger.forgotten and _says_gone(record):
        return
    _check_end(record, job_id, ending)
    job = world.batch.jobs.get(job_id)
    if job is not None and "arrayProperties" not in job:
        tries = max(1, len(job["attempts"]))
        # One that was ended while it waited for its next try may have told of that try.
        begun = tries + 1 if job.get("isTerminated") else tries
        if record.get("exit_code") != ending.exit_code or not tries <= record["try"] <= begun:
            seen = f"exit code {record.get('exit_code')} on try {record['try']}"
            raise Violation("true-end", f"{who}: {seen}, but {job_id} {ending}, {tries} tries")


def _says_gone(record: Record) -> bool:
    """Whether it says that its job is forgotten: of one that was to stop, that it was stopped."""
    reason, stop = record.get("reason") or "", stop_of(record)
    if stop is not None and record["state"] == "stopped":
        return reason == f"stopped by {stop['by']}: {stop['why']}"
    return record["state"] == "failed" and _GONE in reason


def _check_end(record: Record, job_id: str, ending: Ending) -> None:
    """See that state and reason are those of how the job ended, and of who wanted that."""
    who, state, reason = named(record), record["state"], record.get("reason") or ""
    expected, words, stop = ending.state, ending.words, stop_of(record)
    if stop is not None and expected != "succeeded":
        expected, words = "stopped", f"stopped by {stop['by']}: {stop['why']}"
    elif expected == "stopped" and words is None:
        raise Violation("job-ended-unasked", f"{who}: {job_id} was ended, and nobody stopped it")
    if state != expected:
        raise Violation("true-end", f"{who}: it is {state} ({reason}), {job_id} {ending}")
    if words is not None and words not in reason:
        raise Violation("true-reason", f"{who}: {reason!r} does not say {words!r}")


def _check_no_job(world: World, record: Record, jobs: Iterable[str]) -> None:
    who, state, stop = named(record), record["state"], stop_of(record)
    late = [one for one in jobs if world.ledger.endings[one].state != "stopped"]
    if late and not world.choices.has_struck(LISTED_LATE, record["job"]["name"]):
        raise Violation("true-job", f"{who}: it is {state} without a job, and had {late}")
    if state == "stopped" and stop is not None:
        if f"stopped by {stop['by']}: {stop['why']}" not in (record.get("reason") or ""):
            raise Violation("true-reason", f"{who}: {record.get('reason')!r}, stopped by {stop}")
        return
    if state != "rejected":
        raise Violation("job-or-rejection", f"{who}: it is {state}, with neither job nor stop")
    about = (record["repository"]["uuid"], record["branch"], record["commit"])
    ask = world.ledger.asks[about]
    wanted = ask.commit.wanted
    undefined = ask.repository.slug in world.ledger.undefined
    if wanted is not None and not (wanted.rejected or wanted.refused or undefined):
        raise Violation("true-end", f"{who}: rejected ({record.get('reason')}), though: {ask}")


def _check_status(world: World, record: Record) -> None:
    """See that the commit's status says what the record says."""
    who, commit = named(record), record["commit"]
    full_name = record["repository"]["full_name"]
    if (full_name, commit) in world.ledger.gone:
        return
    key = f"cloud-run-{record['run_id']}"
    seen = world.bitbucket.statuses.get((full_name, commit, key))
    if seen is None:
        raise Violation("status-is-the-records", f"{who}: {commit[:12]} has no status")
    expected: dict[str, Any] = status(Run.model_validate(record), _LINKS)
    shown = _SHOWN.get(record["state"], "FAILED")
    told = {"key": key, "refname": record["branch"], "state": shown}
    differs = {
        name: (seen.get(name), one)
        for name, one in (expected | told).items()
        if seen.get(name) != one
    }
    if differs:
        raise Violation("status-is-the-records", f"{who}: seen and true: {differs}")
