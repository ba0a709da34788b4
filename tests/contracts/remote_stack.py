"""container/remote.yaml as CloudFormation would resolve it, and what its policies allow.

IAM as far as the template uses it: statements that allow, and conditions that compare strings.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.contracts.wiring import PROJECT, listed

TEXT = (PROJECT / "container/remote.yaml").read_text(encoding="utf-8")
REMOTE: dict[str, Any] = yaml_parse(TEXT)
RESOURCES: dict[str, dict[str, Any]] = REMOTE["Resources"]
STACK = "acme-testing"
ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
MACHINE_ROLE = "arn:aws:iam::123456789012:role/machine"
_VALUES = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "BatchEventsQueueArn": ARN.format("sqs", "acme-testing-batch-events"),
    "BitbucketAuthSecretArn": ARN.format("secretsmanager", "secret:acme/testing/bitbucket-auth-x"),
    "DataBucket": "data",
    "Environment": "testing",
    "JobLogGroup": "/aws/batch/jobs",
    "MachineRole.Arn": MACHINE_ROLE,
    "Organization": "acme",
}
_NOTHING = object()


@dataclass(frozen=True)
class Asked:
    """A request as IAM sees it: an action on one resource, and what is known of both."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def statements(logical_id: str, buckets: str = "") -> list[dict[str, Any]]:
    """The resolved statements of a role's own policies, or of a managed policy.

    `buckets`: the parameter RemoteBucketArns.
    """
    properties = RESOURCES[logical_id]["Properties"]
    policies = properties.get("Policies", [properties])
    resolve = _Resolving({**_VALUES, "RemoteBucketArns": buckets})
    return [s for one in policies for s in resolve(one["PolicyDocument"]["Statement"])]


def allowed_actions(logical_id: str) -> set[str]:
    """Every action that a role or a policy allows on something."""
    return {action for one in statements(logical_id) for action in listed(one["Action"])}


def allows(policy: list[dict[str, Any]], asked: Asked) -> bool:
    """Whether statements that do nothing but allow give a request what it needs.

    Raises:
        KeyError: a condition that is not understood here.

    """
    assert {one["Effect"] for one in policy} == {"Allow"}
    return any(
        asked.action in listed(one["Action"])
        and any(fnmatchcase(asked.resource, like) for like in listed(one["Resource"]))
        and _holds(one.get("Condition", {}), asked.context)
        for one in policy
    )


def _holds(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _OPERATORS[operator](context.get(key), listed(wanted))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


# IAM user guide, "IAM JSON policy elements: Condition operators".
_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "Bool": lambda value, wanted: value in wanted,
    "StringEquals": lambda value, wanted: value in wanted,
    "StringEqualsIfExists": lambda value, wanted: value is None or value in wanted,
    "StringLikeIfExists": lambda value, wanted: (
        value is None or any(fnmatchcase(value, like) for like in wanted)
    ),
}


@dataclass(frozen=True)
class _Resolving:
    values: Mapping[str, str]

    def __call__(self, part: Any) -> Any:
        if isinstance(part, list):
            return [one for each in part if (one := self(each)) is not _NOTHING]
        if not isinstance(part, Mapping):
            return part
        (name, argument), *more = part.items()
        if more or name not in _FUNCTIONS:
            return {key: self(value) for key, value in part.items()}
        return _FUNCTIONS[name](self, argument)

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        value = self.values[name]
        declared = REMOTE["Parameters"].get(name, {})
        return value.split(",") if declared.get("Type") == "CommaDelimitedList" else value

    def sub(self, text: str) -> str:
        return re.sub(r"\$\{([A-Za-z:.]+)\}", lambda found: self.values[found[1]], text)

    def chosen(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        assert condition == "HasRemoteBuckets"
        return self(then if self.values["RemoteBucketArns"] else otherwise)

    def joined(self, argument: list[Any]) -> str:
        between, parts = self(argument)
        return str(between).join(parts)

    def parted(self, argument: list[Any]) -> list[str]:
        between, text = self(argument)
        return str(text).split(between)


_FUNCTIONS: dict[str, Callable[[_Resolving, Any], Any]] = {
    "Fn::GetAtt": lambda resolving, argument: resolving.values[".".join(argument)],
    "Fn::If": _Resolving.chosen,
    "Fn::Join": _Resolving.joined,
    "Fn::Split": _Resolving.parted,
    "Fn::Sub": _Resolving.sub,
    "Ref": _Resolving.ref,
}
