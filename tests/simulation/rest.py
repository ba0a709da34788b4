"""The invariants at rest: nothing moves any more, so everything has to be told, and true."""

from collections.abc import Iterable
from datetime import datetime

from services.sweeper.report import marker
from tests.simulation import names, told
from tests.simulation.job_endings import Ending
from tests.simulation.jobs import Jobs
from tests.simulation.ledger import Ledger
from tests.simulation.pollers import sources
from tests.simulation.records import (
    FINAL,
    Record,
    Records,
    is_refused_for_its_name,
    named,
    stop_of,
)
from tests.simulation.violations import Violation
from tests.simulation.world import World

# A rejection may be written so long after the project's job definition was looked for: a submitter
# runs for 30 s, and its write may land late.
_MISSED_SECONDS = 100.0
_OVER = ("SUCCEEDED", "FAILED")
# What a record says of a job that Batch has forgotten.
_GONE = "does not know the job"
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
        overlooked = (run_id, number) in jobs.overlooked
        theirs = jobs.of_attempts.get((run_id, number), [])
        _check_truth(world, record, theirs, overlooked=overlooked)
    for _, record in sorted(records.latest.items()):
        told.check(world, record, published)
        _check_sweep(world, record)
    _check_comments(world)


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
    undelivered = world.sqs.waiting(names.ref("UndeliveredDlq"))
    if undelivered:
        text = f"{len(undelivered)} were not delivered, the first is {undelivered[0].body[:120]}"
        raise Violation("dead-letters-heal", text)
    for url, message in world.sqs.sent:
        # None is on a queue: nothing waits, and nothing is dead. Of what could not be delivered the
        # events count, which tell whose they are; not the ticks of the schedule.
        if (url in URLS or message.attributes) and message.id not in world.ledger.handled:
            text = f"{message.id} of {url.rpartition('/')[2]} is gone, and nobody said it is done"
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


def _check_truth(world: World, record: Record, jobs: list[str], *, overlooked: bool) -> None:
    """See that the last word of an attempt is true of its job."""
    who, state = named(record), record["state"]
    if state not in FINAL:
        job = (record.get("job") or {}).get("id")
        raise Violation("run-ends", f"{who}: it is {state} for ever, job {job}, jobs {jobs}")
    job_id = (record.get("job") or {}).get("id")
    if job_id is None:
        _check_no_job(world, record, [] if overlooked else jobs)
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
    if stop is not None and (expected != "succeeded" or ending.tolerated):
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
    if late:
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
    rejected_at = datetime.fromisoformat(record["stopped_at"]).timestamp()
    defined_at = world.ledger.undefined.get(ask.repository.slug, 0.0)
    undefined = rejected_at < defined_at + _MISSED_SECONDS
    undefined = undefined or is_refused_for_its_name(world.ledger, record, ask)
    if wanted is not None and not (wanted.rejected or wanted.refused or undefined):
        raise Violation("true-end", f"{who}: rejected ({record.get('reason')}), though: {ask}")


def _check_sweep(world: World, record: Record) -> None:
    """See that a sweep that is over has its report: figures, and a comment on its commit."""
    asked = record["asked"]
    if asked.get("sweep") is None or asked.get("quiet") or not (record.get("job") or {}).get("id"):
        return
    full_name = world.bitbucket.first_name(record["repository"]["full_name"])
    who, commit = named(record), (full_name, record["commit"])
    if not (record.get("progress") or {}).get("complete"):
        text = f"{who}: it is {record['state']}, and its points are not summed up"
        raise Violation("sweep-is-concluded", text)
    texts = world.bitbucket.comments.get(commit, {}).values()
    if commit not in world.ledger.gone and not any(
        marker(record["run_id"]) in one for one in texts
    ):
        raise Violation(
            "sweep-is-concluded", f"{who}: no comment on {commit[1][:12]} is its report"
        )


def _check_comments(world: World) -> None:
    for (_, commit), texts in world.bitbucket.comments.items():
        for text in texts.values():
            if any(secret in text for secret in world.secrets):
                raise Violation("no-secret-told", f"a secret stands in a comment on {commit[:12]}")
