"""What Batch answers about runs that have not moved, where the answer is news."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.batch_jobs import BatchJobs, described
from shared.events import JobDescribed, RunRequested, State, SweepDue
from shared.following import follow, gone
from shared.runs import OPEN_STATES, Run
from shared.telemetry import log


@dataclass(frozen=True)
class Tick:
    """A moment of the schedule, as far as it is about runs in one state, or about machines."""

    about: State | Literal["machines"]
    now: datetime


TICKS: tuple[State | Literal["machines"], ...] = (*OPEN_STATES, "machines")


# DescribeJobs takes 100 ids a call (the API reference).
_IDS_PER_CALL = 100


# A message that waits to be delivered again waits for 18 minutes at most, and each delivery touches
# the record: after four times the usual five minutes nobody has the request any more.
FORSAKEN = 4


def still_requested(runs: Iterable[Run], now: datetime) -> Iterator[RunRequested]:
    """Another request for each run that waits to be submitted, and that nobody is submitting."""
    for run in runs:
        if run.lease_until is None or run.lease_until <= now:
            log.info("run still requested", run_id=run.run_id, attempt=run.attempt)
            yield RunRequested(run_id=run.run_id, attempt=run.attempt)


def findings(
    runs: Iterable[Run], jobs: BatchJobs, now: datetime
) -> Iterator[JobDescribed | SweepDue]:
    """Batch's answer about the job of each run, unless the record says as much already.

    An answer without the job says nothing, until Batch may have forgotten it.
    A sweep is looked after all the time: if its record does not move, nobody does any more.
    """
    waiting = [(run, run.job.id) for run in runs if run.job is not None and run.job.id is not None]
    for start in range(0, len(waiting), _IDS_PER_CALL):
        some = waiting[start : start + _IDS_PER_CALL]
        known = {job.job_id: job for job in jobs.describe(job_id for _, job_id in some)}
        for run, job_id in some:
            if run.asked.sweep is not None:
                log.info("sweep not looked after", run_id=run.run_id)
                yield SweepDue(run_id=run.run_id, attempt=run.attempt)
            job = known.get(job_id)
            if job is None and gone(run, now) is run:
                log.warning("job left out of an answer", run_id=run.run_id, job_id=job_id)
                continue
            if job is None or follow(run, job, now) is not run or run.stop_asked is not None:
                log.info("job asked after", run_id=run.run_id, job_id=job_id)
                yield described(run, job_id, job)
