"""What Batch says of a job queue, asked at most once a minute."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.aws import calling

_KEPT_SECONDS = 60


@dataclass(frozen=True)
class JobQueue:
    """Whether a queue has a fair-share policy, and whether it takes jobs."""

    fair: bool
    enabled: bool


class JobQueues:
    """Job queues that are not the stack's own: of these a setting says how they share.

    That one is missing or disabled is never kept: whoever mends that and runs again is not to wait.
    """

    def __init__(self, batch: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._batch = batch
        self._clock = clock
        self._kept: dict[str, tuple[float, JobQueue]] = {}

    def find(self, arn: str) -> JobQueue | None:
        """The queue as it was within the last minute; None: there is no such queue."""
        kept = self._kept.get(arn)
        if kept is not None and self._clock() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        with calling("describing job queues"):
            answer = self._batch.describe_job_queues(jobQueues=[arn])
        found = [
            JobQueue(fair=bool(one.get("schedulingPolicyArn")), enabled=one["state"] == "ENABLED")
            for one in answer["jobQueues"]
        ]
        if not found:
            return None
        if found[0].enabled:
            self._kept[arn] = (self._clock(), found[0])
        return found[0]

    def forget(self, arn: str) -> None:
        """Ask again the next time: a submission to this queue was refused."""
        self._kept.pop(arn, None)
