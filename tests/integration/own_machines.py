"""Machines of one's own in an account of moto's, with what moto's EC2 does not tell of them.

That is when a machine was started, as what it is billed, and what spot has cost. The price list is
this module's alone.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import moto.ec2.models  # noqa: F401 - it asks boto3 for regions, before that is of moto's account

from shared import machine_tags
from shared.events import Machine
from tests.fakes import refusal
from tests.integration.runs_account import RunsAccount

SPOT_USD, HOUR_USD = "0.20", "0.1008"
STACK = "acme-development"
# One of those that moto knows; to list them takes it seconds.
_IMAGE = "ami-03cf127a"


def ago(**span: float) -> datetime:
    """A moment before now."""
    return datetime.now(UTC) - timedelta(**span)


@dataclass
class TellingEc2:
    """moto's EC2, and of some machines what `more` says, over what moto does."""

    moto: Any
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    spot: list[tuple[datetime, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        """Moto's own, unless it is among what is refused."""

        def call(**asked: Any) -> Any:
            self._check(name)
            return getattr(self.moto, name)(**asked)

        return call

    def _check(self, operation: str) -> None:
        if operation in self.refused:
            raise refusal("UnauthorizedOperation", 403, operation)

    def describe_instances(self, **asked: Any) -> dict[str, Any]:
        """Moto's answer with more in it."""
        self._check("describe_instances")
        answer: dict[str, Any] = self.moto.describe_instances(**asked)
        for reservation in answer["Reservations"]:
            for instance in reservation["Instances"]:
                instance.update(self.more.get(instance["InstanceId"], {}))
        return answer

    def get_paginator(self, operation: str) -> "Pages":
        """The pages of an operation, of which there is one."""
        return Pages(self, operation)

    def describe_spot_price_history(self, **asked: Any) -> dict[str, Any]:
        """Each price that held in the time, the newest first, as EC2 tells them."""
        self._check("describe_spot_price_history")
        before = [one for one in self.spot if one[0] <= asked["StartTime"]][-1:]
        within = [one for one in self.spot if asked["StartTime"] < one[0] <= asked["EndTime"]]
        history = [
            {
                "Timestamp": at,
                "SpotPrice": price,
                "InstanceType": asked["InstanceTypes"][0],
                "AvailabilityZone": asked["AvailabilityZone"],
                "ProductDescription": asked["ProductDescriptions"][0],
            }
            for at, price in reversed(before + within)
        ]
        return {"SpotPriceHistory": history, "NextToken": ""}


@dataclass
class Pages:
    """A paginator of one page."""

    ec2: TellingEc2
    operation: str

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        """That page."""
        yield getattr(self.ec2, self.operation)(**asked)


class PriceList:
    """The Pricing API with one price, for Linux machines of one type."""

    def __init__(self, instance_type: str) -> None:
        self.instance_type = instance_type

    def get_products(self, **asked: Any) -> dict[str, Any]:
        """That price, if it is asked for."""
        wanted = {one["Field"]: one["Value"] for one in asked["Filters"]}
        fits = (self.instance_type, "RunInstances", "Shared", "Used", "eu-west-1") == tuple(
            wanted[name]
            for name in ("instanceType", "operation", "tenancy", "capacitystatus", "regionCode")
        )
        dimension = {"unit": "Hrs", "pricePerUnit": {"USD": HOUR_USD}}
        offers = {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": dimension}}}}
        product = {"product": {"attributes": {}}, "terms": offers}
        return {"PriceList": [json.dumps(product)] if fits else []}


@dataclass
class OwnMachines:
    """The machines of an account, and its runs."""

    runs: RunsAccount
    ec2: TellingEc2

    def start(
        self,
        name: str,
        *,
        kind: str = "m7i.large",
        spot: bool = False,
        tags: dict[str, str] | None = None,
        **more: Any,
    ) -> str:
        """The id of a machine with our tags, created an hour ago; `tags` by their full names."""
        known = {
            machine_tags.NAME: name,
            machine_tags.STACK: STACK,
            machine_tags.MACHINE: machine_tags.CREATED,
            machine_tags.ENDS: machine_tags.ends(ago(hours=-3)),
            machine_tags.AFTERWARDS: "terminate",
            machine_tags.BY: "someone",
            **(tags or {}),
        }
        market = {"InstanceMarketOptions": {"MarketType": "spot"}} if spot else {}
        made = self.ec2.moto.run_instances(
            ImageId=_IMAGE,
            MinCount=1,
            MaxCount=1,
            InstanceType=kind,
            TagSpecifications=[
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": key, "Value": value} for key, value in known.items()],
                }
            ],
            **market,
        )
        instance_id: str = made["Instances"][0]["InstanceId"]
        self.ec2.more[instance_id] = {
            "LaunchTime": ago(hours=1),
            "PlatformDetails": "Linux/UNIX",
            "UsageOperation": "RunInstances",
            "Platform": "",
            **more,
        }
        return instance_id

    def state(self, instance_id: str) -> str:
        """What EC2 says of a machine."""
        found = self.ec2.moto.describe_instances(InstanceIds=[instance_id])["Reservations"]
        state: str = found[0]["Instances"][0]["State"]["Name"]
        return state

    def tags(self, instance_id: str) -> list[dict[str, str]]:
        """The tags of a machine, that of its name first."""
        found = self.ec2.moto.describe_instances(InstanceIds=[instance_id])["Reservations"]
        tags: list[dict[str, str]] = found[0]["Instances"][0]["Tags"]
        return sorted(tags, key=lambda tag: tag["Key"] != machine_tags.NAME)

    def states(self, instance_ids: Sequence[str]) -> list[str]:
        """The same of several."""
        return [self.state(one) for one in instance_ids]


@contextmanager
def own_machines(runs: RunsAccount) -> Iterator[OwnMachines]:
    """An account's EC2 without machines, until the block is over."""
    ec2 = TellingEc2(runs.here.client("ec2"), spot=[(ago(days=2), SPOT_USD)])
    runs.here.clients |= {"ec2": ec2, "pricing": PriceList("m7i.large")}
    yield OwnMachines(runs, ec2)
    del runs.here.clients["ec2"], runs.here.clients["pricing"]
    for reservation in ec2.moto.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            ec2.moto.terminate_instances(InstanceIds=[instance["InstanceId"]])
            # EC2 forgets it within the hour.
            ec2.moto.delete_tags(
                Resources=[instance["InstanceId"]], Tags=[{"Key": machine_tags.STACK}]
            )


def a_machine(instance_id: str = "i-0123456789abcdef0", **fields: Any) -> Machine:
    """The machine in a run's record."""
    known: dict[str, Any] = {
        "instance_type": "g5.xlarge",
        "market": "spot",
        "ends_at": datetime(2026, 11, 21, 12, tzinfo=UTC),
    }
    return Machine(instance_id=instance_id, **known | fields)
