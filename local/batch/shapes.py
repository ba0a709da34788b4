"""The shapes that Batch's answers and events are made of, as far as the endpoint reads them.

Members it does not read (volumes, ulimits, log configuration...) pass through unchanged. Limits
carry their source as in botocore's Batch model of 2016-08-10 and the Batch user guide.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

Document = dict[str, JsonValue]


class Shape(BaseModel):
    """A structure of Batch's API: frozen, camelCase in JSON, unknown members kept."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True
    )

    def document(self) -> Document:
        """The structure as JSON; members that are not set are left out, as Batch does."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Status(StrEnum):
    """A job's state, in the order in which a job passes through them."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Whether the job has ended for good."""
        return self in (Status.SUCCEEDED, Status.FAILED)

    @property
    def is_queued(self) -> bool:
        """Whether no try of the job is on a machine: what CancelJob can still stop."""
        return self in (Status.SUBMITTED, Status.PENDING, Status.RUNNABLE)


class KeyValue(Shape):
    """An environment variable."""

    name: str = ""
    value: str = ""


class Secret(Shape):
    """An environment variable whose value is read when a try starts."""

    name: str
    value_from: str


class ResourceRequirement(Shape):
    """GPUs, vCPUs or MiB of memory, as a decimal number in a string."""

    type: str
    value: str


class EvaluateOnExit(Shape):
    """One rule about a failed try; all of its conditions must hold."""

    on_status_reason: Annotated[str | None, Field(max_length=512)] = None
    on_reason: Annotated[str | None, Field(max_length=512)] = None
    on_exit_code: Annotated[str | None, Field(max_length=512, pattern=r"^\d*\*?$")] = None
    action: str


class RetryStrategy(Shape):
    """How often a job is tried, 1 to 10, and when not again. At most five rules."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 1
    evaluate_on_exit: Annotated[tuple[EvaluateOnExit, ...], Field(max_length=5)] = ()


class Timeout(Shape):
    """The longest a try may run, in seconds; at least 60."""

    attempt_duration_seconds: Annotated[int | None, Field(ge=60)] = None


class Dependency(Shape):
    """A job that must succeed first."""

    job_id: str | None = None
    type: str | None = None


class Container(Shape):
    """What a job runs: a definition's properties, later with a job's overrides applied."""

    image: str | None = None
    command: tuple[str, ...] = ()
    environment: tuple[KeyValue, ...] = ()
    resource_requirements: tuple[ResourceRequirement, ...] = ()
    secrets: tuple[Secret, ...] = ()
    volumes: tuple[Document, ...] = ()
    mount_points: tuple[Document, ...] = ()
    ulimits: tuple[Document, ...] = ()
    network_interfaces: tuple[Document, ...] = ()


class AttemptContainer(Shape):
    """Where a try ran and how its container ended."""

    container_instance_arn: str | None = None
    task_arn: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    log_stream_name: str | None = None
    network_interfaces: tuple[Document, ...] = ()


class Attempt(Shape):
    """A try that has ended; times in milliseconds since 1970."""

    container: AttemptContainer
    started_at: int | None = None
    stopped_at: int | None = None
    status_reason: str | None = None


class Tagged(Shape):
    """A resource that can have tags."""

    tags: dict[str, str] = {}


class JobDefinition(Tagged):
    """One revision of a job definition."""

    job_definition_name: str
    job_definition_arn: str
    revision: int
    status: str = "ACTIVE"
    type: str
    parameters: dict[str, str] = {}
    retry_strategy: RetryStrategy | None = None
    container_properties: Container
    timeout: Timeout | None = None
    propagate_tags: bool = False
    platform_capabilities: tuple[str, ...] = ()
    scheduling_priority: int | None = None
    container_orchestration_type: str = "ECS"


class ComputeEnvironmentOrder(Shape):
    """A queue's place to run jobs."""

    order: int
    compute_environment: str


class JobQueue(Tagged):
    """A queue. Only one with a scheduling policy takes share identifiers."""

    job_queue_name: str
    job_queue_arn: str
    state: str = "ENABLED"
    status: str = "VALID"
    status_reason: str = "JobQueue Healthy"
    priority: int
    scheduling_policy_arn: str | None = None
    compute_environment_order: tuple[ComputeEnvironmentOrder, ...] = ()
    job_state_time_limit_actions: tuple[Document, ...] = ()


class ComputeEnvironment(Tagged):
    """A compute environment: here only what was said of it, for jobs run on this machine."""

    compute_environment_name: str
    compute_environment_arn: str
    ecs_cluster_arn: str
    type: str
    state: str = "ENABLED"
    status: str = "VALID"
    status_reason: str = "ComputeEnvironment Healthy"
    compute_resources: Document | None = None
    container_orchestration_type: str = "ECS"
