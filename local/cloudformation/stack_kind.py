"""AWS::CloudFormation::Stack: a nested stack, made through the front as a stack of its own.

The emulator's own nested stacks leave behind what a failing one had made, and remove what their
template retains; its stacks do neither.
"""

import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any, Final

from local.cloudformation.kinds import Properties, Refused, Wanted

_CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_POLL_SECONDS: Final = 0.1
_DONE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"})


@dataclass(frozen=True)
class NestedStacks:
    """Nested stacks, through a boto3 client of CloudFormation that asks the front."""

    cloudformation: Any
    seconds: int = 900

    def create(self, wanted: Wanted) -> str:
        """Create the stack and wait for it; one that fails is deleted."""
        name = f"{wanted.stack}-{wanted.logical_id}-{secrets.token_hex(6).upper()}"
        made: str = self.cloudformation.create_stack(
            StackName=name, **_arguments(wanted.properties)
        )["StackId"]
        status = self._settled(made)
        if status not in _DONE:
            failures = self._failures(made)
            self.delete(made)
            raise Refused(f"Embedded stack {made} was not successfully created: {failures}")
        return made

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Change the stack and wait for it; one that fails has rolled back by itself."""
        del before
        name = f"nested-{uuid.uuid4()}"
        change_set = self.cloudformation.create_change_set(
            StackName=physical_id,
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            **_arguments(wanted.properties),
        )["Id"]
        told = self.cloudformation.describe_change_set(ChangeSetName=change_set)
        if not told["Changes"]:  # which also makes it FAILED
            self.cloudformation.delete_change_set(ChangeSetName=change_set)
            return physical_id
        self.cloudformation.execute_change_set(ChangeSetName=change_set)
        if self._settled(physical_id) not in _DONE:
            failures = self._failures(physical_id)
            raise Refused(f"Embedded stack {physical_id} was not successfully updated: {failures}")
        return physical_id

    def delete(self, physical_id: str) -> None:
        """Delete the stack and wait for it."""
        self.cloudformation.delete_stack(StackName=physical_id)
        if self._settled(physical_id) not in _DONE:
            failures = self._failures(physical_id)
            raise Refused(f"Embedded stack {physical_id} was not successfully deleted: {failures}")

    def attributes(self, physical_id: str) -> dict[str, str]:
        """Its outputs."""
        outputs = self._stack(physical_id).get("Outputs", [])
        return {f"Outputs.{one['OutputKey']}": one["OutputValue"] for one in outputs}

    def _settled(self, stack_id: str) -> str:
        """The stack's state once nothing is in progress."""
        deadline = time.monotonic() + self.seconds
        while (status := str(self._stack(stack_id)["StackStatus"])).endswith("_IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise Refused(f"Embedded stack {stack_id} is still {status}")
            time.sleep(_POLL_SECONDS)
        return status

    def _stack(self, stack_id: str) -> Any:
        return self.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]

    def _failures(self, stack_id: str) -> str:
        """What failed in the stack's last operation, and why."""
        events = self.cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
        failed = [
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', '')}"
            for one in events
            if one["ResourceStatus"].endswith("_FAILED") and one["PhysicalResourceId"] != stack_id
        ]
        return "; ".join(failed[::-1]) or "no resource failed"


def _arguments(asked: Properties) -> dict[str, Any]:
    parameters = asked.get("Parameters", {})
    if any(isinstance(value, list) for value in parameters.values()):
        raise Refused(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    given = [{"ParameterKey": key, "ParameterValue": one} for key, one in parameters.items()]
    return {
        "TemplateURL": asked["TemplateURL"],
        "Parameters": given,
        "Tags": asked.get("Tags", []),
        "Capabilities": _CAPABILITIES,
    }
