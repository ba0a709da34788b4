"""The waves of a sweep on the stack: their lists in S3, their runs, their jobs, their results.

A wave is a run like any other. Its id is made of the sweep's and the wave's number, so whoever
sends it again, after whatever interruption, sends the same one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.requests import Requests, Source
from cli.sweep.config import Plan
from cli.sweep.lines import Line
from cli.sweep.watching import Parent
from cli.sweep.waves import Wave
from shared import control
from shared.aws import calling
from shared.batch_jobs import BatchJobs
from shared.errors import Rejected
from shared.events import Asked, RunId, Sweep
from shared.points import Place, encode
from shared.runs import Run
from shared.sweep_results import Listed, SweepResults

# DescribeJobs takes so many ids (service model).
_MOST_IDS = 100
# A result is seen though its machine's clock is so much behind; later ones when their wave ends.
_OVERLAP_MS = 30_000


def request_id(sweep_id: str, number: int) -> str:
    """What a wave of a command's sweep is asked for with: its run follows from it."""
    return f"{sweep_id}/{number}"


@dataclass(frozen=True)
class StackWaves:
    """One sweep's waves. `batch` and `s3` are clients, `bucket` is the stack's for data."""

    place: Place
    bucket: str
    source: Source
    requests: Requests
    batch: Any
    s3: Any

    def run_id(self, number: int) -> RunId:
        """The run that a wave is, or will be."""
        return self.requests.run_id(request_id(self.place.sweep_id, number))

    def send(self, wave: Wave, line: Line) -> None:
        """Store the list of a wave, and then ask for its run.

        Raises:
            Unavailable: AWS failed. To send it again is safe.
            AccountError: AWS refuses it.

        """
        listed, width = encode(wave.points)
        with calling("storing the points of a wave"):
            self.s3.put_object(Bucket=self.bucket, Key=self.place.points(wave.number), Body=listed)
        asked = asked_for(line.plan, self.place.sweep_id, wave, width)
        self.requests.ask(request_id(self.place.sweep_id, wave.number), asked, self.source)

    def again(self, wave: Wave, line: Line) -> bool:
        """Begin another attempt of a wave's run that was rejected.

        False, and nothing done, where the line now asks for something else than the run's record.

        Raises:
            Unavailable: AWS failed. To ask again is safe.
            Rejected: the run is not over any more, or can never be run.

        """
        _, width = encode(wave.points)
        run = self.record(wave.run_id)
        if run is None or run.asked != asked_for(line.plan, self.place.sweep_id, wave, width):
            return False
        control.rerun(
            wave.run_id,
            now=datetime.now(UTC),
            runs=self.requests.records,
            publisher=self.requests.publisher,
        )
        return True

    def record(self, run_id: RunId) -> Run | None:
        """A run's record."""
        return self.requests.records.get(run_id)

    def describe(self, job_ids: Sequence[str]) -> Mapping[str, Parent]:
        """The jobs that Batch knows, by id; one call for a hundred."""
        jobs = BatchJobs(self.batch)
        found = {}
        for start in range(0, len(job_ids), _MOST_IDS):
            for job in jobs.describe(job_ids[start : start + _MOST_IDS]):
                counts = job.array.children or {job.status: 1}
                found[job.job_id] = Parent(job.over, counts)
        return found

    def results(self, after: str | None, most: int) -> Listed:
        """Keys and results since a key was seen; all with None, though of `most` objects or so."""
        stored = SweepResults(self.s3, self.bucket, self.place)
        return stored.new(after, overlap_ms=_OVERLAP_MS, most=most)

    def stop(self, wave: Wave, why: str) -> None:
        """Stop the run of a wave; nothing if it is over."""
        stop_run(self.requests, self.batch, wave.run_id, why)


def stop_run(requests: Requests, batch: Any, run_id: RunId, why: str) -> bool:
    """Stop a run; False if it is over, or was never asked for."""
    who = requests.who()
    try:
        control.stop(
            run_id,
            by=who.name or who.id or "somebody",
            why=why,
            now=datetime.now(UTC),
            runs=requests.records,
            jobs=BatchJobs(batch),
            publisher=requests.publisher,
        )
    except Rejected:
        return False
    return True


def asked_for(plan: Plan, sweep_id: str, wave: Wave, width: int) -> Asked:
    """What the run of a wave is asked to do."""
    return Asked(
        arguments=plan.arguments,
        experiment=plan.command is None,
        gpus=plan.gpus,
        memory_mib=plan.memory_mib,
        vcpus=plan.vcpus,
        quiet=True,
        sweep=Sweep(
            sweep_id=sweep_id,
            wave=wave.number,
            size=len(wave.points),
            width=width,
            objective=plan.objective,
            direction=plan.direction,
            tolerated_percent=plan.tolerate_percent,
            target=plan.target,
            queue=plan.job_queue,
            definition=plan.job_def,
            command=plan.command,
            input_uri=plan.input_uri,
            output_dir=plan.output_dir,
            log_to=plan.log_to,
            retries=plan.retries,
            timeout_seconds=plan.time_limit_seconds,
        ),
    )
