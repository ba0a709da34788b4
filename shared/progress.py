"""How far the points of a sweep are, as Batch counts them, and how many of them may fail."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.batch_jobs import JobDetail
from shared.events import Progress, Sweep
from shared.points import LEAST_CHILDREN
from shared.runs import Run

# How long after its end a parent may be counted wrongly. It is asked about every 30 s meanwhile.
_COUNT_AWAITED = timedelta(days=1)


@dataclass(frozen=True)
class Count:
    """How many points are in which state; the others wait."""

    succeeded: int
    failed: int
    running: int


def counted(sweep: Sweep, job: JobDetail) -> Count:
    """The points of a sweep, as Batch counts the children of its job.

    Once all is over, a point that has not succeeded has failed, whatever became of it.
    """
    is_array = job.array.size is not None or job.array.children is not None
    children = (job.array.children or {}) if is_array else {job.status: 1}
    done = job.status == "SUCCEEDED" or job.last.exit_code == 0
    succeeded = sweep.size if done else children.get("SUCCEEDED", 0)
    if job.over:
        return Count(succeeded, failed=sweep.size - succeeded, running=0)
    return Count(succeeded, children.get("FAILED", 0), children.get("RUNNING", 0))


def uncounted(run: Run, job: JobDetail, now: datetime) -> bool:
    """Whether a sweep is over and `job` does not say yet how many of its points have failed.

    DescribeJobs counts the children of a parent (API reference, ArrayPropertiesDetail); that an
    event does, and that it is the count of the end, is nowhere promised. Whoever says it, a count
    is that of the end if those that have ended are all; of a sweep that was stopped any will do,
    for its end does not hang on it. Until then the next answer of DescribeJobs is awaited, for a
    day after the job's end; then what is not known to have succeeded has failed.
    """
    sweep = run.asked.sweep
    if sweep is None or sweep.size < LEAST_CHILDREN or job.status != "FAILED":
        return False
    children = job.array.children or {}
    stopped = run.stop_asked is not None or job.terminated or job.cancelled
    if children.get("SUCCEEDED", 0) + children.get("FAILED", 0) == sweep.size or (
        stopped and children
    ):
        return False
    if job.stopped_at is None:
        return True  # until Batch forgets the job, see `following.gone`
    return now < datetime.fromtimestamp(job.stopped_at / 1000, UTC) + _COUNT_AWAITED


def progress(run: Run, job: JobDetail, now: datetime) -> Progress | None:
    """A sweep's progress by Batch's count; what is known of its results stays as it was.

    So does all, where Batch has not counted to the end yet. None for a run that is no sweep. Its
    time is the sweeper's: `now` only where it has not looked.
    """
    sweep = run.asked.sweep
    if sweep is None:
        return None
    known = run.progress or Progress(size=sweep.size, looked_at=now)
    if uncounted(run, job, now):
        return known
    count = counted(sweep, job)
    return known.model_copy(
        update={
            "succeeded": count.succeeded,
            "failed": count.failed,
            "running": count.running,
        }
    )


def summary(progress: Progress, objective: str | None) -> str:
    """How far a sweep is, and its best value, in words.

    >>> now = datetime(2026, 11, 20)
    >>> summary(Progress(size=60, succeeded=37, best="0.94", looked_at=now), "accuracy")
    '37 of 60 done, best accuracy 0.94'
    """
    said = [f"{progress.succeeded + progress.failed:,} of {progress.size:,} done"]
    if progress.failed:
        said.append(f"{progress.failed:,} failed")
    if objective is not None and progress.best is not None:
        said.append(f"best {objective} {float(progress.best):.6g}")
    return ", ".join(said)


def too_many(sweep: Sweep, failed: int) -> str | None:
    """What is said where more points have failed than are tolerated; None where they are not.

    >>> sweep = Sweep(sweep_id="4f2a", size=60, tolerated_percent=5)
    >>> too_many(sweep, 3), too_many(sweep, 4)
    (None, '4 of 60 points failed: more than the 5 % that are tolerated')
    """
    if failed * 100 <= sweep.tolerated_percent * sweep.size:
        return None
    said = f"{failed:,} of {sweep.size:,} points failed"
    share = sweep.tolerated_percent
    return f"{said}: more than the {share} % that are tolerated" if share else said
