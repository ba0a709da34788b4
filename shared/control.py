"""What a person may ask of a run that exists: stop it, or run it again.

Both are written to the record first, and only then acted upon, so that a request survives whatever
happens in between: submitter, monitor and reconciler all end the job, or the machine, of an attempt
that is to stop.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from shared.errors import Rejected
from shared.events import Afterwards, Event, RunId, RunRequested
from shared.machine_runs import went_on
from shared.machines import MachineDetail
from shared.run_store import RunStore
from shared.runs import Run, ask_again, ask_stop, state_changed, stopped_by


class TerminatesJobs(Protocol):
    """Where jobs are ended."""

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job."""


class EndsMachines(Protocol):
    """Where machines of one's own are described and ended."""

    def describe(self, instance_ids: Iterable[str]) -> Mapping[str, MachineDetail]:
        """What is known of machines, by id."""

    def end(self, instance_id: str, afterwards: Afterwards) -> None:
        """Terminate a machine, or else stop it."""


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
    machines: EndsMachines | None = None,
) -> Run:
    """Ask that the current attempt of a run be stopped, and end its job or its machine.

    The status says at once that it is stopping. The run's state changes when Batch says that the
    job has ended, or when the submitter finds the request before it has submitted anything; or when
    the machine says so, or EC2 that it has ended. Without `machines` the monitor ends the machine,
    some minutes later.

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
    if machines is not None:
        end_machine(run, machines)
    return run


def end_job(run: Run, jobs: TerminatesJobs) -> None:
    """Terminate the job of an attempt that somebody asked to stop; nothing otherwise."""
    if run.stop_asked is not None and run.job is not None and run.job.id and not run.final:
        jobs.terminate(run.job.id, stopped_by(run.stop_asked))


def end_machine(run: Run, machines: EndsMachines) -> None:
    """End the machine of an attempt that somebody asked to stop; nothing otherwise.

    One that was to be kept is stopped, not terminated. One that has another run by now is left
    alone.
    """
    if run.stop_asked is None or run.machine is None or run.final:
        return
    instance_id = run.machine.instance_id
    now = machines.describe([instance_id]).get(instance_id)
    if now is None or not went_on(run, now):
        machines.end(instance_id, run.machine.afterwards)


def rerun(run_id: RunId, *, now: datetime, runs: RunStore, publisher: PublishesEvents) -> Run:
    """Begin another attempt of a run that is over.

    Raises:
        Rejected: there is no such run, its current attempt is not over, its keywords could not be
            read, which another attempt would not change, or it had a machine of one's own.

    """
    run = runs.change(run_id, lambda run: ask_again(run, now))
    if run is None:
        message = f"there is no run {run_id}"
        raise Rejected(message)
    if run.machine is not None:
        message = (
            f"the machine of run {run_id} was one's own: cloud-runner remote … experiment runs it "
            "again"
        )
        raise Rejected(message)
    if run.unreadable:
        message = f"run {run_id} was rejected: {run.reason}: push a corrected commit"
        raise Rejected(message)
    if run.state != "requested":
        message = f"run {run_id} is {run.state}: wait until it is over, or stop it first"
        raise Rejected(message)
    publisher.publish([RunRequested(run_id=run.run_id, attempt=run.attempt), state_changed(run)])
    return run
