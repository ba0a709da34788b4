"""A new machine: RunInstances, and the wait until it runs.

RunInstances takes both spot market options and what shutting down means; a spot request's own
specification cannot say the second, and a machine made by one would be stopped, or not end at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

from cli.asking import AccountError, asking
from cli.remote.launch_specification import LaunchSpecification
from cli.remote.leftovers import spot_status
from cli.remote.machine import Ec2, MachineFacts, read
from cli.remote.options import Market
from cli.remote.refusals import LAUNCH, refusing
from cli.remote.tagging import listed
from cli.shown import age
from shared.aws import calling

# A container is one hop further from the metadata service than its machine.
_HOPS: Final = 2


@dataclass(frozen=True)
class Launch:
    """A machine that is wanted, as RunInstances is asked for it."""

    specification: LaunchSpecification
    market: Market
    tags: Mapping[str, str]
    user_data: bytes = field(repr=False)
    # The instance profile's name, where the specification has none.
    profile: str
    # What shutting down means.
    shutdown: Literal["terminate", "stop"]
    # What makes a call that is repeated one call: at most 64 ASCII characters (service model).
    token: str

    @property
    def spot(self) -> bool:
        """Whether it is to be a spot machine."""
        return self.market == "spot"

    def arguments(self) -> dict[str, Any]:
        """The arguments of RunInstances."""
        tagged = ["instance", "volume", *(["spot-instances-request"] if self.spot else [])]
        options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
        if self.specification.max_price is not None:
            options["MaxPrice"] = self.specification.max_price
        market = {"InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": options}}
        return {
            "IamInstanceProfile": {"Name": self.profile},
            **self.specification.arguments,
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": self.token,
            "InstanceInitiatedShutdownBehavior": self.shutdown,
            "MetadataOptions": {
                "HttpEndpoint": "enabled",
                "HttpTokens": "required",
                "HttpPutResponseHopLimit": _HOPS,
            },
            "TagSpecifications": [
                {"ResourceType": kind, "Tags": listed(self.tags)} for kind in tagged
            ],
            # botocore leaves this field of RunInstances to be encoded by itself.
            "UserData": self.user_data,
            **(market if self.spot else {}),
        }


def launch(ec2: Ec2, wanted: Launch) -> MachineFacts:
    """The machine, which EC2 is about to start.

    Raises:
        Refused: there is none.
        AccountError, Unavailable: there may be one; `leftovers` finds it.

    """
    doing = f"asking EC2 for a {wanted.market} {wanted.specification.arguments['InstanceType']}"
    with asking(doing), calling(doing), refusing(doing, LAUNCH):
        answer = ec2.client.run_instances(**wanted.arguments())
    return read(answer["Instances"][0])


def await_running(ec2: Ec2, machine: MachineFacts, seconds: float) -> MachineFacts:
    """The machine once it runs.

    Raises:
        AccountError: it has ended instead, or does not run after so long; the text says why.

    """

    def moved() -> MachineFacts | None:
        now = ec2.describe(machine.instance_id)
        return None if now is None or now.state in ("pending", "stopped") else now

    found = ec2.waiting.until(moved, seconds)
    if found is None:
        request = machine.spot_request_id
        status = None if request is None else spot_status(ec2, request)
        why = f": its spot request: {status}" if status is not None else ""
        waited = age(timedelta(seconds=seconds))
        message = f"{machine.told} does not run after {waited} (--wait-minutes){why}"
        raise AccountError(message)
    if found.state != "running":
        reason = found.state_reason or "EC2 gives no reason"
        message = f"{machine.told} is {found.state} before it ran: {reason}"
        raise AccountError(message)
    return found
