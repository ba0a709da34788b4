"""AWS::Batch::*, made at the local Batch endpoint.

Which changes replace a resource is told by the `createOnlyProperties` and
`conditionalCreateOnlyProperties` of the types' schemas in CloudFormation's registry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from local.cloudformation.kinds import (
    Kind,
    Properties,
    Refused,
    Wanted,
    differs,
    made_up_name,
)
from local.cloudformation.properties import as_request, input_shape

_SECONDS: Final = 60
# Of ComputeResources, what can change in place whatever ReplaceComputeEnvironment says.
_SCALING: Final = frozenset({"MinvCpus", "MaxvCpus", "DesiredvCpus", "UpdateToLatestImageVersion"})


def batch_kinds(batch: Any) -> dict[str, Kind]:
    """Batch's kinds by type, through a boto3 client."""
    return {
        "AWS::Batch::ComputeEnvironment": ComputeEnvironments(batch),
        "AWS::Batch::JobDefinition": JobDefinitions(batch),
        "AWS::Batch::JobQueue": JobQueues(batch),
        "AWS::Batch::SchedulingPolicy": SchedulingPolicies(batch),
    }


@dataclass(frozen=True)
class JobDefinitions:
    """Job definitions: a change is a new revision, and the old one is deregistered."""

    batch: Any
    seconds: int = _SECONDS

    def create(self, wanted: Wanted) -> str:
        """Register a revision."""
        if "ResourceRetentionPolicy" in wanted.properties:
            raise Refused("the embedded stack deregisters every revision that is replaced")
        request = _creation("RegisterJobDefinition", wanted, "JobDefinitionName")
        made: str = self.batch.register_job_definition(**request)["jobDefinitionArn"]
        return made

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Register another revision; without a name of its own it keeps the one it has."""
        del before
        name = physical_id.rpartition("/")[2].partition(":")[0]
        named = {"JobDefinitionName": name} | dict(wanted.properties)
        return self.create(replace(wanted, properties=named))

    def delete(self, physical_id: str) -> None:
        """Deregister the revision."""
        self.batch.deregister_job_definition(jobDefinition=physical_id)

    def attributes(self, physical_id: str) -> dict[str, str]:
        """Its ARN."""
        return {"JobDefinitionArn": physical_id}


@dataclass(frozen=True)
class JobQueues:
    """Job queues."""

    batch: Any
    seconds: int = _SECONDS

    def create(self, wanted: Wanted) -> str:
        """Create the queue."""
        request = _creation("CreateJobQueue", wanted, "JobQueueName")
        made: str = self.batch.create_job_queue(**request)["jobQueueArn"]
        return made

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Change the queue, or replace it if its name changes."""
        now = wanted.properties
        if differs(before, now, "JobQueueName", "JobQueueType"):
            return self.create(wanted)
        request = _request("UpdateJobQueue", _without(now, "JobQueueName", "JobQueueType", "Tags"))
        self.batch.update_job_queue(jobQueue=physical_id, **request)
        _retag(self.batch, physical_id, before, now)
        return physical_id

    def delete(self, physical_id: str) -> None:
        """Disable the queue, then delete it."""
        if self.batch.describe_job_queues(jobQueues=[physical_id])["jobQueues"]:
            self.batch.update_job_queue(jobQueue=physical_id, state="DISABLED")
            self.batch.delete_job_queue(jobQueue=physical_id)

    def attributes(self, physical_id: str) -> dict[str, str]:
        """Its ARN."""
        return {"JobQueueArn": physical_id}


@dataclass(frozen=True)
class ComputeEnvironments:
    """Compute environments."""

    batch: Any
    seconds: int = _SECONDS

    def create(self, wanted: Wanted) -> str:
        """Create the environment."""
        kept = _without(wanted.properties, "ReplaceComputeEnvironment", "UpdatePolicy")
        if resources := _without(kept.get("ComputeResources", {}), "UpdateToLatestImageVersion"):
            kept["ComputeResources"] = resources
        creation = replace(wanted, properties=kept)
        request = _creation("CreateComputeEnvironment", creation, "ComputeEnvironmentName")
        made: str = self.batch.create_compute_environment(**request)["computeEnvironmentArn"]
        return made

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Change the environment, or replace it."""
        now = wanted.properties
        if _replaces_environment(before, now):
            return self.create(wanted)
        kept = _without(now, "ComputeEnvironmentName", "ReplaceComputeEnvironment", "Tags", "Type")
        if resources := _without(kept.get("ComputeResources", {}), "SpotIamFleetRole"):
            kept["ComputeResources"] = resources
        request = _request("UpdateComputeEnvironment", kept)
        self.batch.update_compute_environment(computeEnvironment=physical_id, **request)
        return physical_id

    def delete(self, physical_id: str) -> None:
        """Disable the environment, then delete it."""
        found = self.batch.describe_compute_environments(computeEnvironments=[physical_id])
        if found["computeEnvironments"]:
            self.batch.update_compute_environment(computeEnvironment=physical_id, state="DISABLED")
            self.batch.delete_compute_environment(computeEnvironment=physical_id)

    def attributes(self, physical_id: str) -> dict[str, str]:
        """Its ARN."""
        return {"ComputeEnvironmentArn": physical_id}


@dataclass(frozen=True)
class SchedulingPolicies:
    """Scheduling policies."""

    batch: Any
    seconds: int = _SECONDS

    def create(self, wanted: Wanted) -> str:
        """Create the policy."""
        request = _creation("CreateSchedulingPolicy", wanted, "Name")
        made: str = self.batch.create_scheduling_policy(**request)["arn"]
        return made

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Change the policy, or replace it if its name changes."""
        now = wanted.properties
        if differs(before, now, "Name"):
            return self.create(wanted)
        request = _request("UpdateSchedulingPolicy", _without(now, "Name", "Tags"))
        self.batch.update_scheduling_policy(arn=physical_id, **request)
        _retag(self.batch, physical_id, before, now)
        return physical_id

    def delete(self, physical_id: str) -> None:
        """Delete the policy."""
        self.batch.delete_scheduling_policy(arn=physical_id)

    def attributes(self, physical_id: str) -> dict[str, str]:
        """Its ARN."""
        return {"Arn": physical_id}


def _creation(operation: str, wanted: Wanted, name: str) -> dict[str, Any]:
    """The request that makes a resource; one without a name gets one."""
    return _request(operation, {name: made_up_name(wanted)} | dict(wanted.properties))


def _request(operation: str, asked: Properties) -> dict[str, Any]:
    request: dict[str, Any] = as_request(asked, input_shape("batch", operation))
    return request


def _replaces_environment(before: Properties, now: Properties) -> bool:
    """Whether a change of an environment makes another one, which is the default for most."""
    if differs(before, now, "ComputeEnvironmentName", "Type", "Tags"):
        return True
    had, has = before.get("ComputeResources", {}), now.get("ComputeResources", {})
    if differs(had, has, "SpotIamFleetRole"):
        return True
    in_place = str(now.get("ReplaceComputeEnvironment", "true")).lower() == "false"
    return not in_place and differs(had, has, *({*had, *has} - _SCALING))


def _without(asked: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name not in names}


def _retag(batch: Any, arn: str, before: Properties, now: Properties) -> None:
    had, has = before.get("Tags", {}), now.get("Tags", {})
    if gone := [key for key in had if key not in has]:
        batch.untag_resource(resourceArn=arn, tagKeys=gone)
    if has and has != had:
        batch.tag_resource(resourceArn=arn, tags=has)
