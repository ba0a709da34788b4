"""Which AWS actions a boto3 session calls, as IAM names them, written down while it calls.

    with recording(session) as calls:
        ...                     # whatever uses clients of the session
    assert calls.actions == allowed

Each call is recorded before it is sent, so one that the other side refuses counts as well. What
others do on the caller's behalf is in `_ALSO`: CloudFormation with a service role needs nothing of
its caller but the right to pass that role.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

# Where IAM's prefix is not the name under which botocore signs.
_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
# Where an operation is allowed under another action's name: Service Authorization Reference.
_NAMES = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:UploadPart": "s3:PutObject",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
# What an operation needs as well if it is called with a parameter (None: always).
_ALSO: dict[str, dict[str | None, frozenset[str]]] = {
    "batch:SubmitJob": {"tags": frozenset({"batch:TagResource"})},
    "cloudformation:CreateChangeSet": {
        "RoleARN": frozenset({"iam:PassRole"}),
        "Tags": frozenset({"cloudformation:TagResource"}),
    },
    "cloudformation:CreateStack": {"RoleARN": frozenset({"iam:PassRole"})},
    "cloudformation:DeleteStack": {"RoleARN": frozenset({"iam:PassRole"})},
    "cloudformation:UpdateStack": {"RoleARN": frozenset({"iam:PassRole"})},
    "ecr:CreateRepository": {"tags": frozenset({"ecr:TagResource"})},
    "s3:CopyObject": {None: frozenset({"s3:GetObject"})},
    "s3:PutObject": {"Tagging": frozenset({"s3:PutObjectTagging"})},
    "secretsmanager:CreateSecret": {"Tags": frozenset({"secretsmanager:TagResource"})},
    # It takes from one queue and puts into others: developer guide, "dead-letter queue redrive".
    "sqs:StartMessageMoveTask": {
        None: frozenset(
            {
                *("sqs:DeleteMessage", "sqs:GetQueueAttributes"),
                *("sqs:ReceiveMessage", "sqs:SendMessage"),
            }
        ),
    },
}
# Anybody with credentials may call these, whatever a policy says: IAM user guide.
_FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
# `docker push` and `docker pull` after `ecr:GetAuthorizationToken`, which no session sees: ECR user
# guide, "IAM permissions for pushing an image".
IMAGE_PUSH = frozenset(
    {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    }
)


@dataclass(frozen=True)
class Call:
    """One call: botocore's name of the service's signature, the operation, its parameters."""

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def actions(self) -> frozenset[str]:
        """The IAM actions that it needs."""
        prefix = _PREFIXES.get(self.service, self.service)
        called = f"{prefix}:{self.operation}"
        needed = {_NAMES.get(called, called)} - _FREE
        for parameter, more in _ALSO.get(called, {}).items():
            if parameter is None or self.parameters.get(parameter):
                needed |= more
        if self.service == "s3" and self._names_versions():
            needed = {_of_a_version(action) for action in needed}
        return frozenset(needed)

    def _names_versions(self) -> bool:
        several = self.parameters.get("Delete", {}).get("Objects", ())
        named = [self.parameters.get("VersionId"), *(one.get("VersionId") for one in several)]
        return any(named)


@dataclass
class Calls:
    """What a session called so far."""

    made: list[Call] = field(default_factory=list)

    @property
    def actions(self) -> set[str]:
        """The IAM actions that all calls together need."""
        return {action for call in self.made for action in call.actions}


@contextmanager
def recording(session: Any) -> Iterator[Calls]:
    """The calls of every client of a boto3 session that is made within the block."""
    calls = Calls()

    def note(params: Mapping[str, Any], model: Any, **_: object) -> None:
        service = model.service_model.signing_name
        calls.made.append(Call(service, model.name, dict(params)))

    # A client takes the session's handlers over when it is made, and keeps them.
    session.events.register_first("before-parameter-build", note, unique_id="recorded-calls")
    try:
        yield calls
    finally:
        session.events.unregister("before-parameter-build", unique_id="recorded-calls")


def unknown(actions: set[str]) -> set[str]:
    """Those that IAM has not, by the list that cfn-lint ships: a name that is wrong here."""
    known = _known()
    return {
        action
        for action in actions
        if action.partition(":")[2].lower() not in known.get(action.partition(":")[0], {})
    }


def _of_a_version(action: str) -> str:
    versioned = {"s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging"}
    return f"{action}Version" if action in versioned else action


@cache
def _known() -> Mapping[str, frozenset[str]]:
    data = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json")
    services = json.loads(data.read_text(encoding="utf-8"))
    return {name: frozenset(one["Actions"]) for name, one in services.items() if "Actions" in one}
