"""A CloudFormation stack as the commands read it: its parameters and its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from cli.asking import AccountError


@dataclass(frozen=True)
class Deployed:
    """The root stack as it stands: its parameters' values and its outputs, by name."""

    stack: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    # CloudFormation's, as UPDATE_COMPLETE.
    status: str = ""

    def output(self, name: str) -> str:
        """An output's value; AccountError if this stack was deployed before there was one."""
        return self._known(self.outputs, name, "output")

    def parameter(self, name: str) -> str:
        """A parameter's value; AccountError if this stack was deployed before there was one."""
        return self._known(self.parameters, name, "parameter")

    def _known(self, values: Mapping[str, str], name: str, kind: str) -> str:
        if name not in values:
            message = f"the stack {self.stack} has no {kind} {name}: deploy it again (make deploy)"
            raise AccountError(message)
        return values[name]


def find_stack(cloudformation: Any, name: str) -> Deployed | None:
    """A stack that is not deleted, as Deployed; None if there is none of that name."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except botocore.exceptions.ClientError as error:
        # CloudFormation has no code of its own for a stack that does not exist, here alone.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    if stack["StackStatus"] == "DELETE_COMPLETE":
        return None
    return Deployed(
        stack=name,
        parameters={
            one["ParameterKey"]: one.get("ParameterValue", "")
            for one in stack.get("Parameters", [])
        },
        outputs={one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])},
        status=stack["StackStatus"],
    )
