"""What a call for a machine may have left behind though its answer never came, or was a no.

A machine and its spot request carry the tag of their call from the first moment on: by that they
are found, and no other call's.
"""

from collections.abc import Mapping
from typing import Any, Final

from cli.asking import AccountError, asking
from cli.endings import MachineMayRun
from cli.remote.ending import cancel_request, end
from cli.remote.machine import Ec2, MachineFacts
from cli.shown import command
from shared import machine_tags
from shared.aws import calling
from shared.errors import Unavailable

# A machine that was just made is shown to others a moment later (EC2, "Eventual consistency").
_SECONDS: Final = 20
_ALIVE: Final = ("pending", "running", "stopping", "stopped")


def clear(ec2: Ec2, tags: Mapping[str, str], *, spot: bool) -> list[MachineFacts]:
    """End what was made with these tags; the machines that were, each of them ended.

    Raises:
        MachineMayRun: something of it may be left, or nobody can tell.

    """
    call = {machine_tags.CALL: tags[machine_tags.CALL]}
    name = tags[machine_tags.NAME]
    looked = False

    def look() -> list[MachineFacts] | None:
        nonlocal looked
        # Requests first: one that is open may get its machine meanwhile.
        if spot:
            _cancel_requests(ec2, call)
        found = ec2.search(call, _ALIVE)
        looked = True
        return found or None

    try:
        found = ec2.waiting.until(look, _SECONDS)
    except AccountError as error:
        raise _unknown(ec2, name, error.message) from error
    if not looked:
        raise _unknown(ec2, name, "EC2 does not answer")
    return [end(ec2, machine, "terminate") for machine in found or ()]


def _cancel_requests(ec2: Ec2, call: Mapping[str, str]) -> None:
    for request in _requests(ec2, call):
        cancel_request(ec2, request["SpotInstanceRequestId"])


def _requests(ec2: Ec2, call: Mapping[str, str]) -> list[Mapping[str, Any]]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in call.items()]
    filters.append({"Name": "state", "Values": ["open", "active"]})
    doing = "looking for spot requests"
    with asking(doing), calling(doing):
        found: list[Mapping[str, Any]] = ec2.client.describe_spot_instance_requests(
            Filters=filters
        )["SpotInstanceRequests"]
    return found


def spot_status(ec2: Ec2, request_id: str) -> str | None:
    """What EC2 says about a spot request, as `capacity-not-available: …`; None if it says nothing.

    A message that only repeats the code, as of `fulfilled`, is left out.

    Raises:
        AccountError: EC2 refuses.

    """
    doing = f"describing the spot request {request_id}"
    try:
        with asking(doing), calling(doing):
            found = ec2.client.describe_spot_instance_requests(SpotInstanceRequestIds=[request_id])
    except Unavailable:
        return None
    for request in found["SpotInstanceRequests"]:
        status = request.get("Status", {})
        said = dict.fromkeys(status[key] for key in ("Code", "Message") if status.get(key))
        return ": ".join(said) or None
    return None


def _unknown(ec2: Ec2, name: str, why: str) -> MachineMayRun:
    listing = command(ec2.account, "remote", "list")
    message = (
        f"a machine called {name} in {ec2.account.region} may have been made, or be made yet: "
        f"{why}: to see it: {listing}"
    )
    return MachineMayRun(message)
