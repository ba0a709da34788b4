"""How a machine is ended, and how one makes sure that it has.

EC2 charges for a machine until it shuts down or stops; neither state leads back to a running one.
"""

from collections.abc import Callable
from typing import Final, Literal

from botocore.exceptions import ClientError

from cli.asking import AccountError, asking
from cli.endings import MachineMayRun
from cli.remote.interruptions import heard
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.refusals import OFFER, refusing
from cli.shown import command
from shared import machine_tags
from shared.aws import calling
from shared.errors import Unavailable

How = Literal["terminate", "stop"]
ENDED: Final = {
    "terminate": ("shutting-down", "terminated"),
    "stop": ("stopping", "stopped", "shutting-down", "terminated"),
}
_SECONDS: Final = 300
# A machine that was just made may be unknown to the next call (EC2, "Eventual consistency").
_UNKNOWN_SECONDS: Final = 30


def end(ec2: Ec2, machine: MachineFacts, how: How, why: str = "") -> MachineFacts:
    """Terminate or stop a machine; what it is once EC2 says that it ends.

    `why` begins the message where it cannot be ended.

    Raises:
        MachineMayRun: EC2 refused, or does not say that it ends, or somebody interrupted this.

    """
    try:
        return _end(ec2, machine, how, why)
    except (KeyboardInterrupt, SystemExit) as interruption:
        raise may_run(ec2, machine, f"{why}interrupted before it had ended") from interruption


def _end(ec2: Ec2, machine: MachineFacts, how: How, why: str) -> MachineFacts:
    kept: Exception | None = None
    if machine.spot_request_id is not None and how == "terminate":
        # First: one that is persistent would make another machine.
        try:
            cancel_request(ec2, machine.spot_request_id)
        except (AccountError, Unavailable) as error:
            kept = error
    try:
        _ask(ec2, machine.instance_id, how)
    except (AccountError, Unavailable) as error:
        raise may_run(ec2, machine, f"{why}{error}") from error
    ended = confirm(ec2, machine, how, _SECONDS, why)
    # What we create has a one-time request, which is closed with its machine.
    if kept is not None and machine.origin != machine_tags.CREATED:
        message = f"{why}{kept}: a persistent request starts another machine in its place"
        raise may_run(ec2, machine, message) from kept
    return ended


def confirm(
    ec2: Ec2, machine: MachineFacts, how: How, seconds: float, why: str = ""
) -> MachineFacts:
    """Wait until EC2 says that a machine ends, or has ended, whoever ended it.

    Raises:
        MachineMayRun: it does not say so within `seconds`, or cannot be asked.

    """

    def ended() -> MachineFacts | None:
        now = ec2.describe(machine.instance_id)
        return now if now is not None and now.state in ENDED[how] else None

    try:
        found = ec2.waiting.until(ended, 0)
        if found is None:
            # It has been asked for: nobody has to wait any longer to be sure of it.
            with heard():
                found = ec2.waiting.until(ended, seconds)
    except AccountError as error:
        raise may_run(ec2, machine, f"{why}{error.message}") from error
    if found is None:
        raise may_run(ec2, machine, f"{why}EC2 does not say within {seconds:.0f} s that it ends")
    return found


def cancel_request(ec2: Ec2, request_id: str) -> None:
    """Cancel a spot request; its machine, if it has one, goes on.

    Raises:
        AccountError: EC2 refuses.
        Unavailable: it failed, for now.

    """
    doing = f"cancelling the spot request {request_id}"
    with asking(doing), calling(doing):
        ec2.client.cancel_spot_instance_requests(SpotInstanceRequestIds=[request_id])


def persistent(ec2: Ec2, machine: MachineFacts) -> bool:
    """Whether a spot request of its own would start the machine again, or make another.

    Raises:
        AccountError: EC2 refuses to tell.
        Unavailable: it failed, for now.

    """
    if machine.spot_request_id is None:
        return False
    doing = f"describing the spot request {machine.spot_request_id}"
    with asking(doing), calling(doing):
        found = ec2.client.describe_spot_instance_requests(
            SpotInstanceRequestIds=[machine.spot_request_id]
        )["SpotInstanceRequests"]
    return any(request.get("Type") == "persistent" for request in found)


def unstoppable(ec2: Ec2, machine: MachineFacts) -> str | None:
    """Why a machine cannot be stopped, only terminated; None if it can.

    EC2 stops what has its root on a volume, and of spot machines those of a persistent request.
    """
    if machine.root_device == "instance-store":
        return "its root is an instance store, not a volume"
    if machine.market == "spot" and not persistent(ec2, machine):
        return "it is a spot machine of a one-time request"
    return None


def may_run(ec2: Ec2, machine: MachineFacts, why: str) -> MachineMayRun:
    """The error that names a machine which may still be running, and how to end it."""
    again = command(ec2.account, "remote", "terminate", "--instance", machine.instance_id)
    message = (
        f"the machine {machine.told} in {ec2.account.region} may still be running: {why}: "
        f"to end it: {again}, or aws ec2 terminate-instances --instance-ids "
        f"{machine.instance_id} --region {ec2.account.region}"
    )
    return MachineMayRun(message)


def _ask(ec2: Ec2, instance_id: str, how: How) -> None:
    ask: Callable[..., object] = {
        "terminate": ec2.client.terminate_instances,
        "stop": ec2.client.stop_instances,
    }[how]
    doing = f"asking EC2 to {how} {instance_id}"

    def asked() -> bool | None:
        try:
            with calling(doing):
                ask(InstanceIds=[instance_id])
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidInstanceID.NotFound":
                return None
            with asking(doing), refusing(doing, OFFER):
                raise
        return True

    if not ec2.waiting.until(asked, _UNKNOWN_SECONDS):
        message = f"{doing}: it fails, or EC2 does not know the machine"
        raise Unavailable(message)
