"""The list of a keyword's points, and what the job of a sweep is told of it.

A keyword's space is listed here, right before its job is submitted: to do it twice stores the same
object twice.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from shared.aws import calling
from shared.errors import Rejected
from shared.events import Sweep
from shared.exits import Exit
from shared.points import LEAST_CHILDREN, LONGEST_LINE, MOST_TRIES, Place, encode
from shared.runs import Run
from shared.space import parse

# The tries of a project's job definition when machines are lost (RetryAttempts of
# container/project.yaml).
_TRIES_FOR_MACHINES = 3
# What another try would find no different: arguments, the secret, an image without DVC.
_HOPELESS = (Exit.BAD_ARGUMENTS, Exit.BAD_SECRET, Exit.NO_DVC)


@dataclass(frozen=True)
class PointList:
    """The points of a wave as they are stored; no content where somebody has stored them before."""

    content: bytes | None
    width: int


def point_list(sweep: Sweep) -> PointList:
    """The list of a sweep's points.

    Raises:
        Rejected: a point is too long for it.

    """
    if sweep.space is None:
        return PointList(None, sweep.width)
    points = list(parse(sweep.space).points())
    if max(len(json.dumps(point)) for point in points) > LONGEST_LINE:
        message = (
            f"a point is longer than {LONGEST_LINE:,} bytes: put long texts into a file of the "
            "repository, and sweep over its name"
        )
        raise Rejected(message)
    return PointList(*encode(points))


def share_of(sweep: Sweep) -> str:
    """The share identifier of a sweep: all of its waves are one share, of less weight than commits.

    >>> share_of(Sweep(sweep_id="4f2a", size=2))
    'sweepdff06f7e'
    """
    return f"sweep{hashlib.sha256(sweep.sweep_id.encode()).hexdigest()[:8]}"


def told(sweep: Sweep, bucket: str, place: Place, width: int) -> str:
    """The variable `CLOUD_RUNNER_SWEEP`: what a child must know of its sweep, as JSON."""
    facts = {
        "sweep": sweep.sweep_id,
        "wave": sweep.wave,
        "place": f"s3://{bucket}/{place.folder}",
        "width": width,
        "size": sweep.size,
        "objective": sweep.objective,
        "direction": sweep.direction,
        "target": sweep.target,
        "log_to": sweep.log_to,
    }
    return json.dumps(facts, separators=(",", ":"))


def terms(sweep: Sweep) -> dict[str, Any]:
    """What SubmitJob is told of a sweep, beside what it is told of any job.

    An array has at least two children. `_tries` takes the place of the definition's strategy.
    """
    said: dict[str, Any] = {}
    if sweep.size >= LEAST_CHILDREN:
        said["arrayProperties"] = {"size": sweep.size}
    if sweep.retries:
        said["retryStrategy"] = _tries(sweep.retries)
    if sweep.timeout_seconds is not None:
        said["timeout"] = {"attemptDurationSeconds": sweep.timeout_seconds}
    return said


def _tries(retries: int) -> dict[str, Any]:
    """The retry strategy of points that are tried again `retries` times.

    Batch counts all tries of a job together, whatever ended them. To have no fewer for lost
    machines than without retries, the tries of the definition come on top: so a point that fails by
    itself may be tried up to two times more than was asked for. The first rule that fits decides,
    what fits none is tried again, and there are five at most (API reference, RetryStrategy).
    """
    return {
        "attempts": min(MOST_TRIES, retries + _TRIES_FOR_MACHINES),
        "evaluateOnExit": [
            {"action": "RETRY", "onStatusReason": "Host EC2*"},
            *({"action": "EXIT", "onExitCode": str(int(code))} for code in _HOPELESS),
        ],
    }


def to_be_looked_after(run: Run) -> bool:
    """Whether a run is a sweep with a job, and has no report yet.

    The job may have ended before its request came through: nobody else begins to look then.
    """
    if run.asked.sweep is None or run.job is None or run.job.id is None:
        return False
    return not (run.final and run.progress is not None and run.progress.complete)


class PointLists:
    """The lists in the data bucket."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def store(self, place: Place, wave: int, content: bytes) -> None:
        """Store the list of a wave, in the place of the same."""
        with calling("storing the list of points"):
            self._s3.put_object(Bucket=self.bucket, Key=place.points(wave), Body=content)
