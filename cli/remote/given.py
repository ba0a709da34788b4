"""A machine that somebody hands to us: whether it can be taken, and what shutting it down means.

Its watchdog can only shut it down. Whether that stops or terminates it, or does neither, is EC2's
to say, and is seen to before anything runs there.
"""

from typing import Final

from cli.asking import AccountError, asking, reaching
from cli.remote.ending import How, persistent, unstoppable
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.options import WORK, Action, Afterwards, Wanted
from cli.remote.refusals import OFFER, refusing
from shared import machine_tags
from shared.aws import calling

_ATTRIBUTE: Final = "instanceInitiatedShutdownBehavior"
_GROUP: Final = "aws:autoscaling:groupName"


def afterwards(wanted: Wanted, machine: MachineFacts) -> Afterwards:
    """What becomes of it: as is said now, else as was said before, else it is stopped."""
    if wanted.afterwards is not None:
        return wanted.afterwards
    return machine.afterwards if machine.afterwards and machine.origin else "stop"


def check(ec2: Ec2, machine: MachineFacts, wanted: Wanted) -> None:
    """See that everything that is wanted of a machine can be done to it.

    Raises:
        AccountError: it cannot, or EC2 refuses to tell.

    """
    _check_stack(ec2, machine)
    actions = set(wanted.actions)
    if machine.over and actions != {Action.TERMINATE}:
        reason = machine.state_reason or "EC2 gives no reason"
        message = f"{machine.told} is {machine.state}: {reason}"
        raise AccountError(message)
    with reaching(f"looking at {machine.told}"):
        if actions & WORK:
            _check_work(ec2, machine, wanted)
        if Action.STOP in actions:
            _check_stop(ec2, machine, "it can only be terminated")


def _check_stack(ec2: Ec2, machine: MachineFacts) -> None:
    stack = machine.tags.get(machine_tags.STACK)
    if stack is None or stack == ec2.stack_tag:
        return
    organization, _, environment = stack.rpartition("-")
    typed = f"--environment {environment}"
    if organization != ec2.account.names.organization:
        typed = f"--organization {organization} {typed}"
    message = f"{machine.told} belongs to {stack}, not to {ec2.stack_tag}: {typed} if it is meant"
    raise AccountError(message)


def _check_work(ec2: Ec2, machine: MachineFacts, wanted: Wanted) -> None:
    if machine.windows:
        message = f"{machine.told} runs Windows: a machine that runs Linux is needed"
        raise AccountError(message)
    if _GROUP in machine.tags:
        message = (
            f"{machine.told} belongs to the Auto Scaling group {machine.tags[_GROUP]}, which would "
            "start another one in its place: take it out of the group first"
        )
        raise AccountError(message)
    if machine.state in ("stopping", "stopped") and Action.START not in wanted.actions:
        message = f"{machine.told} is {machine.state}: put the action start first"
        raise AccountError(message)
    if wanted.then == "stop":
        _check_stop(ec2, machine, "--afterwards terminate, or keep")
    if wanted.then == "terminate" and persistent(ec2, machine):
        message = (
            f"{machine.told} has a persistent spot request, which would start another one in its "
            "place: aws ec2 cancel-spot-instance-requests --spot-instance-request-ids "
            f"{machine.spot_request_id} first, or --afterwards stop"
        )
        raise AccountError(message)


def _check_stop(ec2: Ec2, machine: MachineFacts, instead: str) -> None:
    why = unstoppable(ec2, machine)
    if why is not None:
        message = f"{machine.told} cannot be stopped: {why}: {instead}"
        raise AccountError(message)


def see_to_shutdown(ec2: Ec2, machine: MachineFacts, then: Afterwards) -> How | None:
    """Let shutting down mean what is wanted, and read back that it does.

    A machine that is to be kept still has a last hour, at which it shuts down: that stops it, or
    does whatever else it did, where it cannot be stopped.

    Raises:
        AccountError: EC2 refuses, or does not keep what it was told.
        Unavailable: it failed, for now.

    """
    if then == "keep" and unstoppable(ec2, machine) is not None:
        return None
    how: How = "terminate" if then == "terminate" else "stop"
    if _shutdown(ec2, machine) != how:
        doing = f"letting {machine.told} {how} when it shuts down"
        with asking(doing), calling(doing), refusing(doing, OFFER):
            ec2.client.modify_instance_attribute(
                InstanceId=machine.instance_id, InstanceInitiatedShutdownBehavior={"Value": how}
            )
        if _shutdown(ec2, machine) != how:
            message = f"{doing}: EC2 says that it is otherwise still: nothing was begun"
            raise AccountError(message)
    return how


def _shutdown(ec2: Ec2, machine: MachineFacts) -> str | None:
    doing = f"asking what shutting {machine.told} down means"
    with asking(doing), calling(doing):
        answer = ec2.client.describe_instance_attribute(
            InstanceId=machine.instance_id, Attribute=_ATTRIBUTE
        )
    value: str | None = answer.get("InstanceInitiatedShutdownBehavior", {}).get("Value")
    return value
