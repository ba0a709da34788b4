"""What callers may ask of queues, compute environments and scheduling policies, with their limits.

Sources: the descriptions in botocore's Batch model of 2016-08-10.
"""

from typing import Annotated

from pydantic import Field

from local.batch.policies import FairShare
from local.batch.requests import Name, PageSize, Tags
from local.batch.shapes import ComputeEnvironmentOrder, Document, Shape

Priority = Annotated[int, Field(ge=0)]
Order = Annotated[tuple[ComputeEnvironmentOrder, ...], Field(min_length=1, max_length=3)]


class TimeLimitAction(Shape):
    """What becomes of a job that waits for 10 minutes or longer, up to a day, and for what."""

    max_time_seconds: Annotated[int, Field(ge=600, le=86_400)]


class CreateComputeEnvironment(Shape):
    """A compute environment; a MANAGED one says what its machines are."""

    compute_environment_name: Name
    type: str
    state: str = "ENABLED"
    compute_resources: Document | None = None
    tags: Tags = Field(default_factory=dict)


class UpdateComputeEnvironment(Shape):
    """What changes of a compute environment; of `compute_resources`, only the members given."""

    compute_environment: str
    state: str | None = None
    compute_resources: Document | None = None


class CreateJobQueue(Shape):
    """A queue over one to three compute environments."""

    job_queue_name: Name
    state: str = "ENABLED"
    priority: Priority
    scheduling_policy_arn: str | None = None
    compute_environment_order: Order
    job_state_time_limit_actions: tuple[TimeLimitAction, ...] = ()
    tags: Tags = Field(default_factory=dict)


class UpdateJobQueue(Shape):
    """What changes of a queue."""

    job_queue: str
    state: str | None = None
    priority: Priority | None = None
    scheduling_policy_arn: str | None = None
    compute_environment_order: Order | None = None
    job_state_time_limit_actions: tuple[TimeLimitAction, ...] | None = None


class CreateSchedulingPolicy(Shape):
    """A scheduling policy."""

    name: Name
    fairshare_policy: FairShare | None = None
    tags: Tags = Field(default_factory=dict)


class UpdateSchedulingPolicy(Shape):
    """A scheduling policy's new text."""

    arn: str
    fairshare_policy: FairShare | None = None


class DescribeSchedulingPolicies(Shape):
    """Scheduling policies by ARN."""

    arns: Annotated[tuple[str, ...], Field(max_length=100)]


class ListSchedulingPolicies(Shape):
    """A page of all scheduling policies."""

    max_results: PageSize = 100
    next_token: str | None = None
