"""The stack of an environment: whether it can be updated, what needs it, and its end."""

from collections.abc import Container
from typing import Any

from botocore.exceptions import WaiterError

from cli.account import Account, AccountError, Deployed, asking
from cli.console import step
from cli.project import overview
from cli.shown import command

# A compute environment and its queue take some minutes to go; an EFS mount target, too.
_DELETE_WAIT = {"Delay": 10, "MaxAttempts": 360}


def updatable(account: Account) -> Deployed | None:
    """The stack, if there is one that can be updated; what a first failure left is deleted.

    Raises:
        AccountError: it is in a state that only a person can mend, or somebody works on it.

    """
    found = account.find()
    if found is None or found.status.endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
        return found
    if found.status == "UPDATE_ROLLBACK_COMPLETE":
        return found
    if found.status == "REVIEW_IN_PROGRESS":
        return None  # a change set that nobody executed; SAM makes another
    if found.status == "ROLLBACK_COMPLETE":
        doing = "deleting what a first deployment that failed has left"
        with step(doing), asking(doing):
            delete(account.client("cloudformation"), account.stack)
        return None
    half_made = (
        command(account, "undeploy") + ", which deletes what there is of it; then deploy again"
    )
    what = {
        "UPDATE_ROLLBACK_FAILED": (
            "mend what its events in the CloudFormation console name, then\n"
            f"  aws cloudformation continue-update-rollback --stack-name {account.stack}"
        ),
        "CREATE_FAILED": half_made,
        "ROLLBACK_FAILED": half_made,
        "DELETE_FAILED": command(account, "undeploy") + ", which says what could not be deleted",
    }.get(found.status, "wait until it is done, or look into the CloudFormation console")
    message = f"the stack {account.stack} is in the state {found.status}: {what}"
    raise AccountError(message)


def unexecuted(account: Account) -> dict[str, str]:
    """The change sets that wait for somebody to execute them: names by ARN."""
    with asking("looking for change sets"):
        if account.find() is None:
            return {}
        pages = account.client("cloudformation").get_paginator("list_change_sets")
        return {
            one["ChangeSetId"]: one["ChangeSetName"]
            for page in pages.paginate(StackName=account.stack)
            for one in page["Summaries"]
            if one.get("ExecutionStatus") == "AVAILABLE"
        }


def refuse_if_declined(account: Account, before: Container[str]) -> None:
    """See that the change set was executed; SAM ends well when somebody says no to it.

    `before` are the ARNs of those that were there already, which say nothing of this time.

    Raises:
        AccountError: it was not.

    """
    left = [name for arn, name in unexecuted(account).items() if arn not in before]
    if left:
        message = f"nothing was deployed: the change set {left[0]} was not executed"
        raise AccountError(message)


def projects(account: Account) -> list[str]:
    """The repositories of the environment; a stack without a tag that says so by its own name."""
    with asking("looking for projects"):
        states = overview.projects(account.client("cloudformation"), account.names)
        return [str(overview.summary(state)["repository"]) for state in states]


def delete(cloudformation: Any, stack: str) -> None:
    """Delete a stack and wait until it is gone.

    Raises:
        AccountError: it is still there; with what could not be deleted.

    """
    cloudformation.delete_stack(StackName=stack)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=stack, WaiterConfig=_DELETE_WAIT
        )
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}"
            for one in events
            if one["ResourceStatus"] == "DELETE_FAILED"
        ]
        message = "the stack was not deleted:\n" + "\n".join(failed)
        raise AccountError(message) from error
