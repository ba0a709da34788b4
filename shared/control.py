"""What a person may ask of a run that exists: stop it, or run it again.

Both are written to the record first, and only then acted upon, so that a request survives whatever
happens in between: submitter, monitor and reconciler all end the job of an attempt that is to stop.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from shared.errors import Rejected
from shared.events import Event, RunId, RunRequested
from shared.run_store import RunStore
from shared.runs import Run, ask_again, ask_stop, state_changed, stopped_by


class TerminatesJobs(Protocol):
    """Where jobs are ended."""

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job."""


class PublishesEvents(Protocol):
    """Where events go."""

    def publish(self, events: Iterable[Event]) -> None:
        """Store every one of `events`, or raise."""


def stop(
    run_id: RunId,
    *,
    by: str,
    why: str,
    now: datetime,
    runs: RunStore,
    jobs: TerminatesJobs,
    publisher: PublishesEvents,
) -> Run:
    """Ask that the current attempt of a run be stopped, and end its job if it has one.

    The status says at once that it is stopping. The run's state changes when Batch says that the
    job has ended, or when the submitter finds the request before it has submitted anything.

    Raises:
        Rejected: there is no such run, or it is over.

    """
    run = runs.change(run_id, lambda run: ask_stop(run, by, why, now))
    if run is None:
        message = f"there is no run {run_id}"
        raise Rejected(message)
    if run.stop_asked is None:
        message = f"run {run_id} is over already ({run.state})"
        raise Rejected(message)
    publisher.publish([state_changed(run)])
    end_job(run, jobs)
    return run


def end_job(run: Run, jobs: TerminatesJobs) -> None:
    """Terminate the job of an attempt that somebody asked to stop; nothing otherwise."""
    if run.stop_asked is not None and run.job is not None and run.job.id and not run.final:
        jobs.terminate(run.job.id, stopped_by(run.stop_asked))


def rerun(run_id: RunId, *, now: datetime, runs: RunStore, publisher: PublishesEvents) -> Run:
    """Begin another attempt of a run that is over.

    Raises:
        Rejected: there is no such run, its current attempt is not over, or its keywords could not
            be read, which another attempt would not change.

    """
    run = runs.change(run_id, lambda run: ask_again(run, now))
    if run is None:
        message = f"there is no run {run_id}"
        raise Rejected(message)
    if run.unreadable:
        message = f"run {run_id} was rejected: {run.reason}: push a corrected commit"
        raise Rejected(message)
    if run.state != "requested":
        message = f"run {run_id} is {run.state}: wait until it is over, or stop it first"
        raise Rejected(message)
    publisher.publish([RunRequested(run_id=run.run_id, attempt=run.attempt), state_changed(run)])
    return run
