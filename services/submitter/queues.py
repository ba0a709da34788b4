"""Whether a job queue shares its machines fairly, asked of Batch at most once a minute."""

import time
from collections.abc import Callable
from typing import Any

from shared.aws import calling

_KEPT_SECONDS = 60


class JobQueues:
    """Job queues that are not the stack's own: of these a setting says how they share."""

    def __init__(self, batch: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._batch = batch
        self._clock = clock
        self._kept: dict[str, tuple[float, bool | None]] = {}

    def shares_fairly(self, queue: str) -> bool | None:
        """Whether the queue has a fair-share policy; None: there is no such queue."""
        kept = self._kept.get(queue)
        if kept is not None and self._clock() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        with calling("describing job queues"):
            answer = self._batch.describe_job_queues(jobQueues=[queue])
        found = [bool(one.get("schedulingPolicyArn")) for one in answer["jobQueues"]]
        fairly = found[0] if found else None
        if fairly is not None:
            self._kept[queue] = (self._clock(), fairly)
        return fairly
