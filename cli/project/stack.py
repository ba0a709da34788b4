"""A CloudFormation stack, brought by change sets to what a template and its parameters say.

The template is named by its address in S3, by which IAM can say which one may be deployed.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cli.account import AccountError, asking
from cli.project.stack_events import StackEvents, Tell
from cli.project.stack_states import Next, State, describe, next_step

_POLL_SECONDS = 3.0
# A project's four resources take two minutes; somebody else's work on them as long again.
_WAIT_SECONDS = 1800
_TRIES = 3
# CloudFormation has no code for it; `aws cloudformation deploy` reads the same two beginnings.
_NO_CHANGES = ("The submitted information didn't contain changes", "No updates are to be performed")
# Another change set was executed, which made ours worthless.
_OVERTAKEN = ("ChangeSetNotFound", "InvalidChangeSetStatus")

Parameters = Callable[[State | None], Mapping[str, str]]


class Stack:
    """The stack called `name`; CloudFormation works on it in the role `role_arn`."""

    def __init__(
        self,
        cloudformation: Any,
        name: str,
        role_arn: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloudformation = cloudformation
        self._role_arn = role_arn
        self._sleep = sleep
        self.name = name

    def state(self) -> State | None:
        """The stack; None if there is none, or none any more."""
        with asking(f"describing the stack {self.name}"):
            return describe(self._cloudformation, self.name)

    def preview(
        self,
        state: State,
        template_url: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> list[str] | None:
        """The resources that would change, by their logical ids; None if nothing at all would."""
        with asking(f"looking what would change in the stack {self.name}"):
            change_set = self._prepared(state, template_url, parameters, tags)
            if change_set is None:
                return None
            told = self._cloudformation.describe_change_set(ChangeSetName=change_set)
            self._cloudformation.delete_change_set(ChangeSetName=change_set)
        changes = [change.get("ResourceChange", {}) for change in told.get("Changes", [])]
        return [str(one["LogicalResourceId"]) for one in changes if "LogicalResourceId" in one]

    def deploy(
        self, template_url: str, parameters: Parameters, tags: Mapping[str, str], tell: Tell
    ) -> bool:
        """Create or update the stack, once nobody else works on it; False if nothing changed.

        `parameters` is asked with what is there then. What an earlier try left in ruins is deleted
        first, and `tell` hears of each resource.

        Raises:
            AccountError: CloudFormation refuses, or the stack could not be made so; with the
                reason of the first resource that failed.

        """
        with asking(f"deploying the stack {self.name}"):
            for number in range(_TRIES):
                state = self._settled(tell)
                try:
                    events = self._executed(state, template_url, parameters(state), tags)
                except ClientError as error:
                    # Somebody else was faster, or is at it, which comes with no code of its own.
                    overtaken = error.response["Error"]["Code"] in _OVERTAKEN
                    busy = next_step(self.state()) is Next.WAIT
                    if number < _TRIES - 1 and (overtaken or busy):
                        continue
                    raise
                if events is None:
                    return False
                self._follow(events, tell)
                return True
        raise self._too_long()

    def delete(self, tell: Tell) -> None:
        """Delete the stack and wait until it is gone; nothing if there is none."""
        events: StackEvents | None = None
        for state in self._states():
            if state is None:
                return
            if events is None:
                if next_step(state) is Next.WAIT and state.status != "DELETE_IN_PROGRESS":
                    continue
                with asking(f"deleting the stack {self.name}"):
                    events = StackEvents(self._cloudformation, self.name)
                    self._cloudformation.delete_stack(StackName=self.name, RoleARN=self._role_arn)
                continue
            with asking(f"reading the events of the stack {self.name}"):
                events.tell(state.id, tell)
            if state.status == "DELETE_FAILED":
                message = f"the stack {self.name} could not be deleted: {events.failure}"
                raise AccountError(message)
        raise self._too_long()

    def _settled(self, tell: Tell) -> State | None:
        """The stack once nobody works on it; one that can only be deleted is deleted."""
        for state in self._states():
            step = next_step(state)
            if state is None or step in (Next.CREATE, Next.UPDATE):
                return state
            if step is Next.DELETE:
                tell(f"an earlier try left it {state.status}: it is deleted and made again")
                self.delete(tell)
                return None
            if step is Next.STUCK:
                raise stuck(state)
        raise self._too_long()

    def _executed(
        self,
        state: State | None,
        template_url: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> StackEvents | None:
        """Have CloudFormation begin; the events from then on, None if nothing would change."""
        change_set = self._prepared(state, template_url, parameters, tags)
        if change_set is None:
            return None
        events = StackEvents(self._cloudformation, self.name)
        self._cloudformation.execute_change_set(
            ChangeSetName=change_set, ClientRequestToken=f"execute-{uuid.uuid4()}"
        )
        return events

    def _prepared(
        self,
        state: State | None,
        template_url: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> str | None:
        """A change set that can be executed; None if it would change nothing."""
        change_set: str = self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"cloud-runner-{uuid.uuid4()}",
            ChangeSetType="CREATE" if next_step(state) is Next.CREATE else "UPDATE",
            TemplateURL=template_url,
            Parameters=_pairs(parameters, "ParameterKey", "ParameterValue"),
            Tags=_pairs(tags, "Key", "Value"),
            Capabilities=["CAPABILITY_IAM"],
            RoleARN=self._role_arn,
        )["Id"]
        for _ in self._states():
            told = self._cloudformation.describe_change_set(ChangeSetName=change_set)
            if told["Status"] == "CREATE_COMPLETE":
                return change_set
            if told["Status"] == "FAILED":
                reason = str(told.get("StatusReason", ""))
                self._cloudformation.delete_change_set(ChangeSetName=change_set)
                if reason.startswith(_NO_CHANGES):
                    return None
                message = f"the stack {self.name} cannot be made so: {reason}"
                raise AccountError(message)
        raise self._too_long()

    def _follow(self, events: StackEvents, tell: Tell) -> None:
        """Wait until the stack is made, and tell how it goes."""
        for state in self._states():
            if state is None:
                message = f"the stack {self.name} was deleted by somebody else"
                raise AccountError(message)
            with asking(f"reading the events of the stack {self.name}"):
                events.tell(state.id, tell)
            # Before its first event it still has the status of the last time.
            if state.status.endswith("_IN_PROGRESS") or not events.any:
                continue
            if state.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                return
            message = f"the stack {self.name} is {state.status}: {events.failure}"
            raise AccountError(message)
        raise self._too_long()

    def _states(self) -> Iterator[State | None]:
        """The stack again and again, for half an hour."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            yield self.state()
            self._sleep(_POLL_SECONDS)

    def _too_long(self) -> AccountError:
        message = (
            f"the stack {self.name} has been worked on for {_WAIT_SECONDS // 60} minutes: look at "
            "its events, then try again"
        )
        return AccountError(message)


def stuck(state: State) -> AccountError:
    """What to say of a stack that only a person can free."""
    message = (
        f"the stack {state.name} is {state.status}: mend what its events show, then "
        f"aws cloudformation continue-update-rollback --stack-name {state.name}"
    )
    return AccountError(message)


def _pairs(values: Mapping[str, str], key: str, value: str) -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in values.items()]
