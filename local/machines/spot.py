"""Spot requests, as RunInstances with spot market options makes them, and the prices of spot."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.utils import random_spot_request_id

# Prices of the embedded stack, made up: US dollars an hour.
_PER_VCPU: Final = 0.05
_OF_ON_DEMAND: Final = 0.3
# A price changes as often as this, by as much as this: machines are old enough for one change soon.
_CHANGES_EVERY: Final = timedelta(hours=6)
_WAVE: Final = (1.0, 1.1, 0.9)


class SpotRequest(TaggedEC2Resource):
    """A one-time request that an instance has fulfilled; its attributes are EC2's fields."""

    def __init__(self, backend: Any, instance: Any, tags: Mapping[str, str]) -> None:
        self.ec2_backend = backend
        self.id = self.spot_instance_request_id = random_spot_request_id()
        self.state = "active"
        self.type = "one-time"
        self.instance_id = instance.id
        self.create_time = utcnow()
        self.product_description = "Linux/UNIX"
        self.instance_interruption_behavior = "terminate"
        self.launched_availability_zone = instance.availability_zone
        self.launch_specification = {
            "ImageId": instance.image_id,
            "InstanceType": instance.instance_type,
            "KeyName": instance.key_name,
            "SubnetId": instance.subnet_id,
            "Placement": {"AvailabilityZone": instance.availability_zone},
            "SecurityGroups": [
                {"GroupId": group.id, "GroupName": group.name} for group in instance.security_groups
            ],
            "EbsOptimized": instance.ebs_optimized,
            "Monitoring": {"Enabled": instance.monitored},
        }
        self.status = _status("fulfilled")
        self.add_tags(dict(tags))

    def close(self, code: str) -> None:
        """It is over, for a reason: `instance-terminated-by-user`, for one."""
        if self.state == "active":
            self.state = "closed"
            self.status = _status(code)

    def cancel(self) -> None:
        """Somebody takes it back; a machine that it has brought stays."""
        if self.state == "active":
            self.state = "cancelled"
            self.status = _status("request-canceled-and-instance-running")

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        """What a filter of DescribeSpotInstanceRequests is compared with."""
        own = {
            "state": self.state,
            "instance-id": self.instance_id,
            "spot-instance-request-id": self.id,
        }
        if filter_name in own:
            return own[filter_name]
        return super().get_filter_value(filter_name, method_name or "DescribeSpotInstanceRequests")


def _status(code: str) -> dict[str, Any]:
    return {"Code": code, "Message": code.replace("-", " "), "UpdateTime": utcnow()}


def on_demand_price(instance_type: str) -> float | None:
    """Dollars an hour, for a type that moto knows."""
    known = INSTANCE_TYPES.get(instance_type)
    return None if known is None else _PER_VCPU * known["VCpuInfo"]["DefaultVCpus"]


def price_history(
    types: Sequence[str], zones: Sequence[str], start: datetime, end: datetime
) -> Iterator[dict[str, Any]]:
    """The prices in force from `start` to `end`, the latest first, as EC2 answers them.

    The first change before `start` is there, too: DescribeSpotPriceHistory, parameter StartTime.
    """
    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    for kind in types:
        dear = on_demand_price(kind)
        if dear is None:
            continue
        last = max((end - epoch) // _CHANGES_EVERY, 0)
        first = min(max((start - epoch) // _CHANGES_EVERY, 0), last)
        for change in range(last, first - 1, -1):
            price = dear * _OF_ON_DEMAND * _WAVE[change % len(_WAVE)]
            for zone in zones:
                yield {
                    "AvailabilityZone": zone,
                    "InstanceType": kind,
                    "ProductDescription": "Linux/UNIX",
                    "SpotPrice": f"{price:.6f}",
                    "Timestamp": epoch + change * _CHANGES_EVERY,
                }
