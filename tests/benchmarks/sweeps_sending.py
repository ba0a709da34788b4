"""How long it takes to send points: as an array job, through all that there is, and in a loop."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.sweep.lines import Line
from cli.sweep.sending import StackWaves
from cli.sweep.strategies import open_strategy
from cli.sweep.waves import Wave
from tests.benchmarks.sweeps_stack import SweepStack, plan
from tests.e2e.trivial import TRIVIAL
from tests.e2e.world import NAMES

_QUEUED = ("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
_PATIENCE_SECONDS = 60


class UnfinishedError(Exception):
    """Something broke: not every point was queued."""


@dataclass(frozen=True)
class Sent:
    """How long sending took, in seconds from its beginning, and how often SubmitJob was called."""

    points: int
    submits: int
    returned: float
    queued: float


def send(stack: SweepStack, sweep_id: str, size: int) -> Sent:
    """Send a sweep as the command does: list, record, request; the submitter does the rest."""
    waves, wanted = stack.waves(sweep_id), plan(size)
    line = Line(wanted, open_strategy(wanted))
    wave = Wave(1, 0, line.next_points(), waves.run_id(1))
    before, start = stack.calls(), time.monotonic()
    waves.send(wave, line)
    returned = time.monotonic() - start
    job_id = _until(lambda: job_id_of(waves), "the submitter gave the sweep no job")
    _until(lambda: _queued(waves.batch, job_id) == size, "not every child was queued")
    queued = time.monotonic() - start
    submits = stack.calls().get("SubmitJob", 0) - before.get("SubmitJob", 0)
    return Sent(size, submits, returned, queued)


def send_in_a_loop(stack: SweepStack, size: int, queue: str) -> Sent:
    """Submit points one by one, as a script would that knows no arrays: nothing but SubmitJob."""
    batch, share = stack.account.client("batch"), stack.share(queue)
    definition = NAMES.job_definition(TRIVIAL.rpartition("/")[2])
    points, before, start = plan(size).points, stack.calls(), time.monotonic()
    for number, point in enumerate(points):
        variables = [{"name": "ACME_POINT", "value": json.dumps(point)}]
        last = batch.submit_job(
            jobName=f"point-{number}",
            jobQueue=queue,
            jobDefinition=definition,
            containerOverrides={"environment": variables},
            **share,
        )["jobId"]
    returned = time.monotonic() - start
    _until(lambda: _status(batch, last) == "RUNNABLE", "the last point was not queued")
    queued = time.monotonic() - start
    submits = stack.calls().get("SubmitJob", 0) - before.get("SubmitJob", 0)
    return Sent(size, submits, returned, queued)


def job_id_of(waves: StackWaves) -> str | None:
    """The job of a sweep's first wave, once there is one."""
    run = waves.record(waves.run_id(1))
    return None if run is None or run.job is None else run.job.id


def _queued(batch: Any, job_id: str) -> int:
    (job,) = batch.describe_jobs(jobs=[job_id])["jobs"]
    summary = job["arrayProperties"]["statusSummary"]
    return sum(summary[status] for status in _QUEUED)


def _status(batch: Any, job_id: str) -> str:
    (job,) = batch.describe_jobs(jobs=[job_id])["jobs"]
    return str(job["status"])


def _until(look: Callable[[], Any], otherwise: str) -> Any:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise UnfinishedError(otherwise)
        time.sleep(0.05)
    return found
