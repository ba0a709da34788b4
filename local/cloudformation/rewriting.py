"""From a template that AWS takes to one that the emulator takes and that means the same. Pure.

Resources that the emulator does not make, or not well, become custom resources: it hands them to a
function, and that to the front. Their type says what they are, so that answers can say it again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.cloudformation.expansion import expanded, is_sam
from local.cloudformation.limits import broken, without
from local.cloudformation.routes import with_routes
from local.cloudformation.templates import Template, with_strings

_EXECUTE_API = re.compile(
    r"https://\$\{(\w+)\}\.execute-api\.\$\{AWS::Region\}\.(?:\$\{AWS::URLSuffix\}|amazonaws\.com)"
)
_SOURCE = "AWS::Lambda::EventSourceMapping"
_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type of CloudFormation's
_PROFILE = "AWS::IAM::InstanceProfile"
# How many batches of a queue a function works at: the least that Lambda takes (API reference,
# ScalingConfig). Each has a process here, and more of them hold each other up, and the webhook.
BATCHES_AT_ONCE = 2
# What stands in an ARN before the name of an instance profile without a path.
_PROFILE_PART = ":instance-profile/"


@dataclass(frozen=True)
class Site:
    """Where a template is deployed: where its HTTP APIs answer, and who makes what is made here.

    `seconds` is how long the making of each of those types may take.
    """

    api_endpoint_url: str
    service_token: str
    seconds: Mapping[str, int]


@dataclass(frozen=True)
class Rewritten:
    """A template for the emulator, and the limits of parameters that were given up for it."""

    template: Template
    given_up: tuple[tuple[str, str], ...] = ()


def rewritten(template: Template, values: Mapping[str, str], site: Site) -> Rewritten:
    """A template for the emulator; `values` are the parameters' that are given.

    Raises:
        TemplateRefused: SAM does not take it.

    """
    limits = broken(template, values)
    plain = without(template, limits)
    if is_sam(plain):
        plain = with_routes(expanded(plain, values))
    resources = {
        name: _scaled(_custom(resource, site))
        for name, resource in (plain.get("Resources") or {}).items()
    }
    referred = _referred(plain | {"Resources": resources}, _otherwise_named(resources))
    addressed = with_strings(referred, lambda one: _addressed(one, site))
    return Rewritten(addressed, tuple(limits))


def custom_type(kind: str) -> str:
    """The type of the custom resource that stands for a type of AWS.

    >>> custom_type("AWS::Batch::JobQueue"), aws_type("Custom::AWS-Batch-JobQueue")
    ('Custom::AWS-Batch-JobQueue', 'AWS::Batch::JobQueue')
    """
    return "Custom::" + kind.replace("::", "-")


def aws_type(text: str) -> str:
    """A text with the types of AWS in place of those of their custom resources."""
    return re.sub(r"Custom::AWS-(\w+)-(\w+)", r"AWS::\1::\2", text)


def _custom(resource: Any, site: Site) -> Any:
    if not isinstance(resource, dict) or resource.get("Type") not in site.seconds:
        return resource
    kind = resource["Type"]
    asked = {"ServiceToken": site.service_token, "ServiceTimeout": site.seconds[kind]}
    properties = (resource.get("Properties") or {}) | asked
    return resource | {"Type": custom_type(kind), "Properties": properties}


def _scaled(resource: Any) -> Any:
    """A reader of a queue with as many batches at once as one machine has use for."""
    match resource:
        case {"Type": kind, "Properties": {"ScalingConfig": {"MaximumConcurrency": int(most)}}} if (
            kind == _SOURCE
        ):
            scaling = {"ScalingConfig": {"MaximumConcurrency": min(most, BATCHES_AT_ONCE)}}
            return resource | {"Properties": resource["Properties"] | scaling}
        case _:
            return resource


def _otherwise_named(resources: Mapping[str, Any]) -> dict[str, Any]:
    """What means, in the emulator, the `Ref` of a resource whose `Ref` is another in AWS.

    A secret's is its ARN there, and here its name; an instance profile's is the other way round.
    """
    kinds = {name: one.get("Type") for name, one in resources.items() if isinstance(one, dict)}
    return {
        name: {"Fn::GetAtt": [name, "Id"]}
        if kind == _SECRET
        else {"Fn::Select": [1, {"Fn::Split": [_PROFILE_PART, {"Fn::GetAtt": [name, "Arn"]}]}]}
        for name, kind in kinds.items()
        if kind in (_SECRET, _PROFILE)
    }


def _referred(node: Any, instead: Mapping[str, Any]) -> Any:
    """A template's node with other expressions in place of the `Ref` of some resources.

    >>> _referred({"Value": {"Ref": "Key"}, "Other": {"Ref": "Queue"}}, {"Key": {"Id": "Key"}})
    {'Value': {'Id': 'Key'}, 'Other': {'Ref': 'Queue'}}
    """
    match node:
        case {"Ref": str(name)} if len(node) == 1 and name in instead:
            return instead[name]
        case dict():
            return {key: _referred(one, instead) for key, one in node.items()}
        case list():
            return [_referred(one, instead) for one in node]
        case _:
            return node


def _addressed(text: str, site: Site) -> str:
    """A text of `Fn::Sub` with an HTTP API's address here in place of AWS's."""
    return _EXECUTE_API.sub(rf"{site.api_endpoint_url}/_aws/execute-api/${{\1}}/$default", text)
