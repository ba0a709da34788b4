"""What outlives the stack: resources whose DeletionPolicy keeps them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_KEEPS = ("Retain", "RetainExceptOnCreate", "Snapshot")
# How to be rid of each for good.
_REMOVAL = {
    "AWS::DynamoDB::Table": "aws dynamodb delete-table --table-name {id}",
    "AWS::EFS::FileSystem": "aws efs delete-file-system --file-system-id {id}",
    "AWS::Logs::LogGroup": "aws logs delete-log-group --log-group-name {id}",
    "AWS::S3::Bucket": "empty {id} in the S3 console (all versions), then delete it there",
    "AWS::SecretsManager::Secret": (
        "aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {id}"
    ),
}


@dataclass(frozen=True)
class Retained:
    """One resource that a deletion leaves behind."""

    logical_id: str
    kind: str
    physical_id: str

    @property
    def removal(self) -> str:
        """What removes it for good."""
        fallback = "delete {id} in the console"
        return _REMOVAL.get(self.kind, fallback).format(id=self.physical_id)


def retained(cloudformation: Any, stack: str) -> Iterator[Retained]:
    """What a deletion of `stack` and of the stacks in it would leave behind."""
    template = cloudformation.get_template(StackName=stack, TemplateStage="Processed")
    # A change set that nobody has executed leaves a stack without a template or resources.
    body = template.get("TemplateBody")
    declared = _resources(body) if body else {}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    for one in (resource for page in pages for resource in page["StackResourceSummaries"]):
        physical = one.get("PhysicalResourceId")
        if not physical or one["ResourceStatus"] == "DELETE_COMPLETE":
            continue
        if one["ResourceType"] == "AWS::CloudFormation::Stack":
            yield from retained(cloudformation, physical)
        elif declared.get(one["LogicalResourceId"], {}).get("DeletionPolicy") in _KEEPS:
            yield Retained(one["LogicalResourceId"], one["ResourceType"], physical)


def _resources(body: Any) -> dict[str, Any]:
    # botocore reads a template in JSON; one in YAML it hands over as text.
    if isinstance(body, str):
        from samtranslator.yaml_helper import yaml_parse  # noqa: PLC0415 - slow to load

        body = yaml_parse(body)
    found: dict[str, Any] = body["Resources"]
    return found
