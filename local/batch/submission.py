"""From a request to a job: a definition, with the request's overrides applied to it.

Pure; what a job means on the machine (environment, secrets) is decided when a try starts.
"""

import re

from local.batch.arns import Account, new_job_id
from local.batch.errors import ClientException
from local.batch.jobs import ArrayProperties, Job
from local.batch.requests import ContainerOverrides, SubmitJob
from local.batch.shapes import Container, JobDefinition, JobQueue, RetryStrategy

# ECS' limit on RunTask's overrides: Batch accepts the job and fails it later.
OVERRIDES_LENGTH = 8192
OVERRIDES_TOO_LONG = "Container Overrides length must be at most 8192"
# Batch user guide, "Service quotas": the size of SubmitJob's payload.
PAYLOAD_BYTES = 30 * 1024


def job_from(
    request: SubmitJob, definition: JobDefinition, queue: JobQueue, account: Account, now: int
) -> Job:
    """The job that a request asks for; of an array, its parent."""
    _check_queue(request, queue)
    _check_share(request, definition, queue)
    job_id = new_job_id()
    size = request.array_properties.size if request.array_properties else None
    propagate, priority = request.propagate_tags, request.scheduling_priority_override
    override_length = len(
        request.container_overrides.model_dump_json(by_alias=True, exclude_none=True)
    )
    return Job(
        job_arn=account.batch("job", job_id),
        job_name=request.job_name,
        job_id=job_id,
        job_queue=queue.job_queue_arn,
        job_definition=definition.job_definition_arn,
        created_at=now,
        share_identifier=request.share_identifier,
        scheduling_priority=definition.scheduling_priority if priority is None else priority,
        retry_strategy=request.retry_strategy or definition.retry_strategy or RetryStrategy(),
        depends_on=request.depends_on,
        parameters=definition.parameters | request.parameters,
        container=_overridden(definition.container_properties, request.container_overrides),
        array_properties=ArrayProperties(size=size) if size else None,
        timeout=request.timeout or definition.timeout,
        tags=request.tags,
        propagate_tags=definition.propagate_tags if propagate is None else propagate,
        platform_capabilities=definition.platform_capabilities,
        refused_because=OVERRIDES_TOO_LONG if override_length > OVERRIDES_LENGTH else None,
    )


def substituted(command: tuple[str, ...], parameters: dict[str, str]) -> tuple[str, ...]:
    """A command with its `Ref::name` placeholders replaced; one without a value stays.

    >>> substituted(("run", "Ref::branch", "Ref::other"), {"branch": "Ref::other"})
    ('run', 'Ref::other', 'Ref::other')
    """
    return tuple(
        re.sub(
            r"Ref::([A-Za-z0-9_-]+)",
            lambda found: parameters.get(found.group(1), found.group()),
            part,
        )
        for part in command
    )


def _check_queue(request: SubmitJob, queue: JobQueue) -> None:
    if queue.state != "ENABLED":
        raise ClientException(f"job queue {queue.job_queue_name} is not ENABLED")
    if any(dependency.type for dependency in request.depends_on):
        raise ClientException("the embedded endpoint knows plain dependencies only, without a type")


def _check_share(request: SubmitJob, definition: JobDefinition, queue: JobQueue) -> None:
    """A queue with a scheduling policy asks for a share and a priority; without, it takes no share.

    That the priority is asked for shows in Batch's answer, quoted in nextflow-io/nextflow#3505 and
    hashicorp/terraform-provider-aws#31226.
    """
    if queue.scheduling_policy_arn is None:
        if request.share_identifier is not None:
            raise ClientException(
                "this job queue has no scheduling policy: give no shareIdentifier"
            )
        return
    if request.share_identifier is None:
        raise ClientException("shareIdentifier must be specified")
    if definition.scheduling_priority is None and request.scheduling_priority_override is None:
        raise ClientException(
            "Either schedulingPriority in job definition or schedulingPriorityOverride should be"
            " specified"
        )


def _overridden(container: Container, overrides: ContainerOverrides) -> Container:
    variables = {one.name: one for one in container.environment}
    variables |= {one.name: one for one in overrides.environment}
    requirements = {one.type: one for one in container.resource_requirements}
    requirements |= {one.type: one for one in overrides.resource_requirements}
    return container.model_copy(
        update={
            "command": container.command if overrides.command is None else overrides.command,
            "environment": tuple(variables.values()),
            "resource_requirements": tuple(requirements.values()),
        }
    )
