"""What happens in a stack while CloudFormation works on it."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

Tell = Callable[[str], None]


class StackEvents:
    """The events of the stack called `name` from now on."""

    def __init__(self, cloudformation: Any, name: str) -> None:
        self._cloudformation = cloudformation
        self._name = name
        self._seen = self._so_far()
        # The first resource that failed; the others were cancelled because of it.
        self.failure: str | None = None
        self.any = False

    def tell(self, stack_id: str, tell: Tell) -> None:
        """Tell what happened to resources since the last look, oldest first."""
        new = []
        for event in self._events(stack_id):  # newest first
            if event["EventId"] in self._seen:
                break
            new.append(event)
        for event in reversed(new):
            self._seen.add(event["EventId"])
            self.any = True
            resource, status = event["LogicalResourceId"], event["ResourceStatus"]
            if self.failure is None and status.endswith("_FAILED"):
                self.failure = f"{resource}: {event.get('ResourceStatusReason', 'no reason given')}"
            if resource != self._name:
                tell(f"{resource}: {status}")

    def _so_far(self) -> set[str]:
        try:
            return {event["EventId"] for event in self._events(self._name)}
        except ClientError as error:
            # There is no such stack yet; CloudFormation has no code of its own for that.
            if error.response["Error"]["Code"] == "ValidationError":
                return set()
            raise

    def _events(self, stack: str) -> Iterator[Any]:
        pages = self._cloudformation.get_paginator("describe_stack_events")
        for page in pages.paginate(StackName=stack):
            yield from page["StackEvents"]
