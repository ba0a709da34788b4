"""How a resource's properties become a request of Batch, and which changes replace a resource."""

from typing import Any

import pytest

from local.cloudformation.batch_kinds import ComputeEnvironments, JobDefinitions
from local.cloudformation.kinds import Refused, Wanted
from local.cloudformation.properties import UnknownProperty, as_request, input_shape

ARN = "arn:aws:batch:eu-west-1:123456789012"


class Batch:
    """Notes what it is asked, and answers as if it had done it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> dict[str, str]:
            self.asked.append((operation, request))
            name = request.get("computeEnvironmentName", "")
            return {
                "computeEnvironmentArn": f"{ARN}:compute-environment/{name}",
                "jobDefinitionArn": f"{ARN}:job-definition/train:2",
            }

        return call


def environment(**resources: object) -> dict[str, Any]:
    return {
        "Type": "MANAGED",
        "ComputeResources": {"Type": "EC2", "MaxvCpus": "8", "Subnets": ["s"], **resources},
    }


def test_names_and_types_are_batchs_and_a_maps_keys_stay() -> None:
    asked = {
        "JobDefinitionName": "train",
        "Type": "container",
        "Parameters": {"BranchName": "8"},
        "PropagateTags": "true",
        "Timeout": {"AttemptDurationSeconds": "600"},
        "ContainerProperties": {
            "Vcpus": "2",
            "Privileged": "false",
            "ResourceRequirements": [{"Type": "VCPU", "Value": "2"}],
            "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "g"}},
            "Volumes": [{"Name": "v", "Host": {"SourcePath": "/srv"}}],
        },
        "Tags": {"Project": "1"},
    }

    assert as_request(asked, input_shape("batch", "RegisterJobDefinition")) == {
        "jobDefinitionName": "train",
        "type": "container",
        "parameters": {"BranchName": "8"},
        "propagateTags": True,
        "timeout": {"attemptDurationSeconds": 600},
        "containerProperties": {
            "vcpus": 2,
            "privileged": False,
            "resourceRequirements": [{"type": "VCPU", "value": "2"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}},
            "volumes": [{"name": "v", "host": {"sourcePath": "/srv"}}],
        },
        "tags": {"Project": "1"},
    }


def test_a_property_that_batch_does_not_know_is_named_with_its_place() -> None:
    asked = {"ContainerProperties": {"Imgae": "x"}}

    with pytest.raises(UnknownProperty, match=r"ContainerProperties\.Imgae"):
        as_request(asked, input_shape("batch", "RegisterJobDefinition"))


@pytest.mark.parametrize(
    ("now", "replaced"),
    [
        (environment(MaxvCpus="16"), False),
        (environment(InstanceTypes=["m6i"]), True),
        (environment(InstanceTypes=["m6i"]) | {"ReplaceComputeEnvironment": "false"}, False),
        (environment(SpotIamFleetRole="r") | {"ReplaceComputeEnvironment": "false"}, True),
        (environment() | {"State": "DISABLED"}, False),
        (environment() | {"Tags": {"a": "b"}}, True),
        (environment() | {"ComputeEnvironmentName": "other"}, True),
    ],
)
def test_most_changes_replace_an_environment_unless_it_says_otherwise(
    now: dict[str, Any], replaced: bool
) -> None:
    batch = Batch()
    known_as = f"{ARN}:compute-environment/machines"
    after = ComputeEnvironments(batch).update(
        known_as, environment(), Wanted("stack", "Machines", now)
    )

    assert (after != known_as) is replaced
    assert batch.asked[0][0].startswith("create" if replaced else "update")


def test_a_resource_without_a_name_is_named_after_its_logical_id() -> None:
    batch = Batch()
    made = ComputeEnvironments(batch).create(Wanted("stack", "Machines", environment()))

    name = made.rpartition("/")[2]
    assert name.startswith("Machines-")
    assert len(name) == len("Machines-") + 16


def test_a_revision_of_a_definition_without_a_name_keeps_the_one_it_has() -> None:
    batch = Batch()
    wanted = Wanted("stack", "Definition", {"Type": "container"})
    JobDefinitions(batch).update(f"{ARN}:job-definition/train:1", {}, wanted)

    assert batch.asked[0][1]["jobDefinitionName"] == "train"


def test_a_policy_for_old_revisions_is_refused_rather_than_ignored() -> None:
    asked = {"ResourceRetentionPolicy": {"SkipDeregisterOnUpdate": "true"}}

    with pytest.raises(Refused, match="deregisters every revision"):
        JobDefinitions(Batch()).create(Wanted("stack", "Definition", asked))
