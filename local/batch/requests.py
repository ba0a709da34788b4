"""What callers may ask, with Batch's limits beyond those in botocore's model.

Sources: the descriptions in botocore's Batch model of 2016-08-10, and the Batch user guide's
chapters on job definition parameters, array jobs and service quotas.
"""

import re
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from local.batch.errors import ClientException
from local.batch.shapes import (
    Container,
    Dependency,
    Document,
    KeyValue,
    ResourceRequirement,
    RetryStrategy,
    Shape,
    Timeout,
)

Request = TypeVar("Request", bound=Shape)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$")]
Reason = Annotated[str, Field(max_length=1024)]
PageSize = Annotated[int, Field(ge=1, le=100)]


def _tags(tags: dict[str, str]) -> dict[str, str]:
    allowed = re.compile(r"[\w\s+\-=._:/@]*")
    if len(tags) > 50:
        raise ValueError("a resource takes at most 50 tags")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise ValueError("a tag's key has 1 to 128 characters, its value at most 256")
        if key.lower().startswith("aws:") or not allowed.fullmatch(key + value):
            raise ValueError(f"the tag {key!r} has characters or a prefix that tags may not have")
    return tags


def _environment(variables: tuple[KeyValue, ...]) -> tuple[KeyValue, ...]:
    for variable in variables:
        if variable.name.startswith("AWS_BATCH"):
            raise ValueError(f"{variable.name}: names may not start with AWS_BATCH")
    return variables


def _command(command: tuple[str, ...]) -> tuple[str, ...]:
    if "" in command:
        raise ValueError("a command may not hold an empty string")
    return command


def _requirements(wanted: tuple[ResourceRequirement, ...]) -> tuple[ResourceRequirement, ...]:
    for requirement in wanted:
        # EC2 takes whole numbers only; Fargate's fractions of a vCPU have no use here.
        if not re.fullmatch(r"[1-9]\d{0,9}", requirement.value):
            raise ValueError(f"{requirement.type} must be a whole number: {requirement.value!r}")
        if requirement.type == "MEMORY" and int(requirement.value) < 4:
            raise ValueError("MEMORY must be at least 4 MiB")
    return wanted


Tags = Annotated[dict[str, str], AfterValidator(_tags)]
Command = Annotated[tuple[str, ...], AfterValidator(_command)]
Environment = Annotated[tuple[KeyValue, ...], AfterValidator(_environment)]
Requirements = Annotated[tuple[ResourceRequirement, ...], AfterValidator(_requirements)]


class ContainerProperties(Container):
    """A container as a definition may ask for it."""

    image: str
    command: Command = ()
    environment: Environment = ()
    resource_requirements: Requirements = ()


class ContainerOverrides(Shape):
    """What a job changes of its definition's container."""

    command: Command | None = None
    environment: Environment = ()
    resource_requirements: Requirements = ()


class RegisterJobDefinition(Shape):
    """A new revision of a definition."""

    job_definition_name: Name
    type: str
    parameters: dict[str, str] = Field(default_factory=dict)
    scheduling_priority: int | None = None
    container_properties: ContainerProperties
    retry_strategy: RetryStrategy | None = None
    propagate_tags: bool = False
    timeout: Timeout | None = None
    tags: Tags = Field(default_factory=dict)
    platform_capabilities: tuple[str, ...] = ()


class DescribeJobDefinitions(Shape):
    """A page of definitions: by name and status, or some revisions."""

    job_definitions: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    job_definition_name: str | None = None
    status: str | None = None
    max_results: PageSize = 100
    next_token: str | None = None


class DescribeByName(Shape):
    """A page of queues or compute environments, named or all."""

    names: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    max_results: PageSize = 100
    next_token: str | None = None


class ArraySize(Shape):
    """How many children an array has."""

    size: Annotated[int, Field(ge=2, le=10_000)] | None = None


class SubmitJob(Shape):
    """A job to run."""

    job_name: Name
    job_queue: str
    job_definition: str
    share_identifier: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,255}\*?$")] | None = None
    scheduling_priority_override: Annotated[int, Field(ge=0, le=9999)] | None = None
    array_properties: ArraySize | None = None
    depends_on: Annotated[tuple[Dependency, ...], Field(max_length=20)] = ()
    parameters: dict[str, str] = Field(default_factory=dict)
    container_overrides: ContainerOverrides = ContainerOverrides()
    retry_strategy: RetryStrategy | None = None
    propagate_tags: bool | None = None
    timeout: Timeout | None = None
    tags: Tags = Field(default_factory=dict)


class DescribeJobs(Shape):
    """Jobs by id."""

    jobs: Annotated[tuple[str, ...], Field(max_length=100)]


class Filter(Shape):
    """One of ListJobs' filters."""

    name: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]


class ListJobs(Shape):
    """A page of a queue's jobs or of an array's children."""

    job_queue: str | None = None
    array_job_id: str | None = None
    multi_node_job_id: str | None = None
    job_status: str | None = None
    max_results: PageSize = 100
    next_token: str | None = None
    filters: Annotated[tuple[Filter, ...], Field(max_length=1)] = ()


class StopJob(Shape):
    """CancelJob and TerminateJob."""

    job_id: str
    reason: Reason


class TagResource(Shape):
    """Tags to add or replace."""

    resource_arn: str
    tags: Tags


class UntagResource(Shape):
    """Tags to remove."""

    resource_arn: str
    tag_keys: tuple[str, ...]


def parse(shape: type[Request], request: Document) -> Request:
    """The request as its shape; raises ClientException where it breaks a limit."""
    try:
        return shape.model_validate(request)
    except ValidationError as error:
        raise ClientException(
            "; ".join(f"{_path(one['loc'])}: {one['msg']}" for one in error.errors())
        ) from error


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)
