"""Who waits for a slot: the RUNNABLE jobs of each queue and share, each line in its order.

Within a share, a job with a higher scheduling priority goes first (botocore's Batch model,
SubmitJobRequest, schedulingPriorityOverride); jobs of one priority go in the order of their coming.
"""

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from local.batch.jobs import Job


class Line(NamedTuple):
    """A queue, by its ARN, and a share of it; a queue without a policy has one line."""

    queue_arn: str
    share: str | None


class Waiting(NamedTuple):
    """The id of a job or a form, and the number of its coming: who has a lower one came before."""

    job_id: str
    number: int


def line_of(job: Job) -> Line:
    """Where a job waits."""
    return Line(job.job_queue, job.share_identifier)


class Lines:
    """All lines in which somebody is. A form stands in its line for all children that it is of."""

    def __init__(self) -> None:
        # By line and priority: ids, with the number of their coming.
        self._waiting: dict[Line, dict[int, OrderedDict[str, int]]] = {}
        self._numbers: Final = itertools.count()

    def __iter__(self) -> Iterator[Line]:
        """The lines."""
        return iter(self._waiting)

    def join(self, job: Job, *, ahead: bool = False) -> None:
        """Go to a line's end, or to its head; a job that is in it stays where it is."""
        priorities = self._waiting.setdefault(line_of(job), {})
        waiting = priorities.setdefault(job.scheduling_priority or 0, OrderedDict())
        if job.job_id not in waiting:
            # Who goes ahead came when the one did that is overtaken.
            first = next(iter(waiting.values()), None) if ahead else None
            waiting[job.job_id] = next(self._numbers) if first is None else first
            if ahead:
                waiting.move_to_end(job.job_id, last=False)

    def leave(self, job: Job) -> None:
        """Leave the line, if the job is in it."""
        line, priority = line_of(job), job.scheduling_priority or 0
        priorities = self._waiting.get(line, {})
        waiting = priorities.get(priority)
        if waiting is None:
            return
        waiting.pop(job.job_id, None)
        if not waiting:
            del priorities[priority]
        if not priorities:
            del self._waiting[line]

    def first(self, line: Line) -> Waiting:
        """Whose turn it is."""
        priorities = self._waiting[line]
        job_id, number = next(iter(priorities[max(priorities)].items()))
        return Waiting(job_id, number)
