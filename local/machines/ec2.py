"""EC2, as moto speaks it, with machines that live: what is launched boots, what is ended ends."""

from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.responses import EC2Response

from local.machines.ec2_changing import ChangingInstances
from local.machines.ec2_launching import KnowsProfile, Launched, LaunchingInstances
from local.machines.ec2_spot import SpotRequests
from local.machines.fleet import Fleet
from local.machines.refusals import refuse
from local.machines.troubles import Subject


class Ec2(LaunchingInstances, ChangingInstances, SpotRequests, EC2Response):
    """One request of EC2; its methods are EC2's operations, by moto's names of them."""

    def __init__(self, fleet: Fleet, launched: Launched, knows_profile: KnowsProfile) -> None:
        super().__init__()
        self.fleet = fleet
        self.launched = launched
        self.knows_profile = knows_profile

    def answer(self, request: Any) -> tuple[int, Mapping[str, str], str | bytes]:
        """Status, headers and body of the answer to one of moto's requests."""
        with self.fleet.lock:
            return self._dispatch(request)

    def describe_instances(self) -> ActionResult:
        """What there is."""
        refuse(self.fleet.troubles, "DescribeInstances", Subject())
        return super().describe_instances()

    def get_console_output(self) -> ActionResult:
        """Nothing: a sandbox has no console, nor a host key that it could show there."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        empty = Base64EncodedString.from_raw_string("")
        told = {"InstanceId": instance.id, "Timestamp": utcnow(), "Output": empty}
        return ActionResult(told)
