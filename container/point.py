"""What a job is told that is one point of a sweep, and where in S3 the point's things are.

The plan is the same for all children of an array job; which of them this one is, Batch says in a
variable of its own (user guide, "Array jobs"). A wave of one point is a plain job without it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from container.exits import Exit, JobFailed
from shared.points import MOST_CHILDREN, Place

_PLAN = "CLOUD_RUNNER_SWEEP"
_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
_ADDRESS = re.compile(r"s3://([^/]+)/(projects/([^/]+)/sweeps/[^/]+)")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_SHORT = 8


@dataclass(frozen=True)
class Point:
    """One point of a wave of a sweep.

    `width` is the bytes of a line of the list of points. `objective` names a metric, `target` says
    what the point is for, `log_to` is an s3:// prefix for complete logs; "" where there is none.
    """

    bucket: str
    place: Place
    wave: int
    index: int
    width: int
    objective: str = ""
    target: str = ""
    log_to: str = ""

    @property
    def name(self) -> str:
        """The name of its experiment.

        >>> Point("b", Place("churn", "4f2a77c1d0"), wave=2, index=7, width=9).name
        '4f2a77c1-2-7'
        """
        return f"{self.place.sweep_id[:_SHORT]}-{self.wave}-{self.index}"

    @property
    def listed_in(self) -> str:
        """The address of the list that holds its parameters."""
        return self._address(self.place.points(self.wave))

    @property
    def line(self) -> tuple[int, int]:
        """The first and the last byte of its own line there."""
        first = self.index * self.width
        return first, first + self.width - 1

    def left_by(self, attempt: int, name: str) -> str:
        """The address of something that it leaves.

        >>> Point("b", Place("churn", "4f2a"), wave=1, index=7, width=9).left_by(2, "job.log")
        's3://b/projects/churn/sweeps/4f2a/points/0001/00007/2/job.log'
        """
        return self._address(self.place.left_by(self.wave, attempt, self.index, name))

    def result(self, name: str) -> str:
        """The address of a result of this name, see `shared.points.Result`."""
        return self._address(self.place.results + name)

    @property
    def log_copy(self) -> str:
        """Where the log goes as well; "" for nowhere."""
        if not self.log_to:
            return ""
        return f"{self.log_to.rstrip('/')}/{self.place.sweep_id}/{self.wave}-{self.index}.log"

    def _address(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Point | None:
        """The point in an environment; None where the job is none.

        Raises:
            JobFailed: what is said there cannot be.

        >>> place = "s3://b/projects/churn/sweeps/4f2a"
        >>> plan = json.dumps({"sweep": "4f2a", "wave": 1, "place": place, "width": 9, "size": 2})
        >>> Point.read({"CLOUD_RUNNER_SWEEP": plan, "AWS_BATCH_JOB_ARRAY_INDEX": "1"}).line
        (9, 17)
        """
        text = environment.get(_PLAN, "")
        if not text:
            return None
        try:
            plan = json.loads(text)
            index = int(environment.get(_INDEX) or 0)
            return cls._of(plan, index)
        except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
            raise JobFailed(
                Exit.BAD_ARGUMENTS,
                f"reading {_PLAN}: {type(error).__name__}: {error}: whoever submitted the sweep "
                "and the job's program must be of versions that know each other",
            ) from error

    @classmethod
    def _of(cls, plan: Mapping[str, Any], index: int) -> Point:
        sweep_id, found = str(plan["sweep"]), _ADDRESS.fullmatch(str(plan["place"]))
        if not _ID.fullmatch(sweep_id):
            raise ValueError(f"{sweep_id!r} is no sweep's id")
        if found is None or Place(found[3], sweep_id).folder != found[2]:
            raise ValueError(f"{plan['place']!r} is no place of the sweep {sweep_id}")
        wave, width, size = (int(plan[name]) for name in ("wave", "width", "size"))
        if wave < 1 or width < 1 or not 0 <= index < size <= MOST_CHILDREN:
            raise ValueError(f"there is no point {index} of {size} in wave {wave}, {width} bytes")
        return cls(
            bucket=found[1],
            place=Place(found[3], sweep_id),
            wave=wave,
            index=index,
            width=width,
            objective=str(plan.get("objective") or ""),
            target=str(plan.get("target") or ""),
            log_to=str(plan.get("log_to") or ""),
        )
