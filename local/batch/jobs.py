"""A job: what Batch tells about it, and the changes that can happen to it.

Every change is a pure function from a job to the job after it. Times are milliseconds since 1970.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from local.batch.retries import is_retried
from local.batch.shapes import (
    Attempt,
    AttemptContainer,
    Container,
    Dependency,
    Document,
    RetryStrategy,
    Shape,
    Status,
    Timeout,
)

ENDED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"
TIMED_OUT = "Job attempt duration exceeded timeout"
CHILD_FAILED = "Array Child Job failed"
DEPENDENCY_FAILED = "Dependent Job failed"

# What the endpoint keeps about a job beside what Batch shows of it.
_INTERNAL = {"array_parent", "array_size", "instance", "running_on", "refused_because"}
# botocore, ContainerDetail.reason
_REASON_LENGTH = 255


@dataclass(frozen=True)
class Outcome:
    """How a try ended. No exit code: its container never started, or its machine is gone."""

    status_reason: str
    exit_code: int | None = None
    reason: str | None = None
    may_retry: bool = True


def lost_with(instance: str) -> Outcome:
    """The outcome of a try whose machine is gone, as after a spot interruption."""
    return Outcome(f"Host EC2 (instance {instance}) terminated.")


class ArrayProperties(Shape):
    """A parent's size, or a child's index."""

    size: int | None = None
    index: int | None = None


class Job(Shape):
    """A job, an array's parent or one of its children."""

    job_arn: str
    job_name: str
    job_id: str
    job_queue: str
    job_definition: str
    status: Status = Status.SUBMITTED
    status_reason: str | None = None
    attempts: tuple[Attempt, ...] = ()
    created_at: int
    started_at: int | None = None
    stopped_at: int | None = None
    share_identifier: str | None = None
    scheduling_priority: int | None = None
    retry_strategy: RetryStrategy = RetryStrategy()
    depends_on: tuple[Dependency, ...] = ()
    parameters: dict[str, str] = Field(default_factory=dict)
    container: Container
    array_properties: ArrayProperties | None = None
    timeout: Timeout | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    propagate_tags: bool = False
    platform_capabilities: tuple[str, ...] = ()
    is_cancelled: bool = False
    is_terminated: bool = False
    # Internal: of a child, its array's parent and size; the machine and the container of the
    # current try; why the first try cannot start at all.
    array_parent: str | None = None
    array_size: int | None = None
    instance: str | None = None
    running_on: AttemptContainer | None = None
    refused_because: str | None = None

    @property
    def is_array(self) -> bool:
        """Whether the job only stands for its children."""
        return self.array_properties is not None and self.array_properties.size is not None

    @property
    def try_number(self) -> int:
        """The number of the current or next try, from 1: AWS_BATCH_JOB_ATTEMPT."""
        return len(self.attempts) + 1

    def changed(self, **members: object) -> "Job":
        """The job with some members changed."""
        return self.model_copy(update=members)

    def detail(self, statuses_of_children: Mapping[Status, int] | None = None) -> Document:
        """The job as DescribeJobs and Batch's events show it."""
        shown = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_INTERNAL)
        last = self.running_on or (self.attempts[-1].container if self.attempts else None)
        if last is not None and not (self.status.is_queued or self.is_array):
            shown["container"] |= last.document()
        if self.is_array and statuses_of_children is not None:
            shown["arrayProperties"]["statusSummary"] = {
                status: statuses_of_children.get(status, 0) for status in Status
            }
        return shown

    def starting(self, where: AttemptContainer, instance: str) -> "Job":
        """The job once a machine has taken its next try."""
        return self.changed(
            status=Status.STARTING, status_reason=None, running_on=where, instance=instance
        )

    def running(self, now: int) -> "Job":
        """The job once the try's container runs."""
        return self.changed(status=Status.RUNNING, started_at=now)

    def ended(self, outcome: Outcome, now: int) -> "Job":
        """The job after a try: succeeded, failed, or waiting for its next try."""
        where = self.running_on or AttemptContainer()
        reason = None if outcome.reason is None else outcome.reason[:_REASON_LENGTH]
        # A terminated job's try ends like any other; the job itself says why it was terminated.
        container = where.model_copy(update={"exit_code": outcome.exit_code, "reason": reason})
        started = self.started_at if self.status is Status.RUNNING else None
        attempt = Attempt(
            container=container,
            started_at=started,
            stopped_at=now,
            status_reason=outcome.status_reason,
        )
        after = self.changed(
            attempts=(*self.attempts, attempt), running_on=None, instance=None, stopped_at=now
        )
        if self.is_terminated:
            return after.changed(status=Status.FAILED)
        after = after.changed(status_reason=outcome.status_reason)
        if outcome.exit_code == 0 and outcome.may_retry:
            return after.changed(status=Status.SUCCEEDED)
        if outcome.may_retry and is_retried(self.retry_strategy, len(after.attempts), attempt):
            return after.changed(status=Status.RUNNABLE, started_at=None, stopped_at=None)
        return after.changed(status=Status.FAILED)

    def failed(self, reason: str, now: int) -> "Job":
        """The job failed without another try."""
        return self.changed(status=Status.FAILED, status_reason=reason, stopped_at=now)

    def rolled_up(self, children: Counter[Status], now: int) -> "Job":
        """An array's parent after a child changed: it ends once all of them have."""
        if self.status.is_final or any(
            count for status, count in children.items() if not status.is_final
        ):
            return self
        if children[Status.FAILED] == 0:
            return self.changed(status=Status.SUCCEEDED, stopped_at=now)
        stopped = self.is_cancelled or self.is_terminated
        return self.failed(
            self.status_reason if stopped and self.status_reason else CHILD_FAILED, now
        )
