"""A CloudFormation stack as it is, and what can be done with it in each of its statuses.

AWS CloudFormation user guide, "Stack status codes".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError

# Nothing in it ever worked, or half of it is gone.
_BEYOND_REPAIR = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}


class Next(Enum):
    """What comes next."""

    CREATE = "create"
    UPDATE = "update"
    WAIT = "wait"
    DELETE = "delete"
    STUCK = "stuck"


@dataclass(frozen=True)
class State:
    """A stack's status, and what it was made with."""

    id: str
    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    changed: str


def next_step(state: State | None) -> Next:
    """What comes next for a stack, or for none."""
    # The second has change sets and nothing else: its first one was not executed.
    if state is None or state.status == "REVIEW_IN_PROGRESS":
        return Next.CREATE
    if state.status.endswith("_IN_PROGRESS"):
        return Next.WAIT
    if state.status in _BEYOND_REPAIR:
        return Next.DELETE
    return Next.STUCK if state.status.endswith("_FAILED") else Next.UPDATE


def describe(cloudformation: Any, name: str) -> State | None:
    """A stack that is not deleted; None if there is none of that name."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        # CloudFormation has no code of its own for a stack that does not exist, here alone.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else as_state(stack)


def as_state(stack: Any) -> State:
    """A stack as DescribeStacks tells of it."""
    changed = stack.get("LastUpdatedTime") or stack.get("CreationTime")
    return State(
        id=stack["StackId"],
        name=stack["StackName"],
        status=stack["StackStatus"],
        parameters={
            one["ParameterKey"]: one.get("ParameterValue", "")
            for one in stack.get("Parameters", [])
        },
        outputs={one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])},
        tags={one["Key"]: one["Value"] for one in stack.get("Tags", [])},
        changed="" if changed is None else changed.isoformat(timespec="seconds"),
    )
