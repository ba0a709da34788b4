"""What a machine has cost since it was started last, as far as that can be known.

It is the price of the machine's time alone. Disks, addresses and traffic come on top, and so does
what was before: EC2 tells of the latest start only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol, Self

from cli.account import Account
from cli.asking import AccountError, asking
from cli.remote.prices import PRICE_LIST_REGION, list_price, spent, spot_prices

# What is billed at least (API reference, StopInstances: "a one-minute minimum").
_LEAST = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DISKS = "its disks go on costing"
# StateTransitionReason, such as "User initiated (2026-11-20 12:00:00 GMT)"; the time may be absent.
_MOMENT = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


@dataclass(frozen=True)
class Cost:
    """USD, or None where it cannot be known. `note` says why, or what the figure leaves out."""

    usd: Decimal | None
    note: str | None = None

    def __str__(self) -> str:
        """The figure, or a question mark."""
        if self.usd is None:
            return "?"
        return "<$0.01" if 0 < self.usd < Decimal("0.005") else f"${self.usd:,.2f}"


@dataclass(frozen=True)
class Time:
    """A machine's time from its latest start on, with what its price depends on.

    `until` is None where it goes on, and also where EC2 does not say since when it does not:
    `runs` tells which. What is billed goes by EC2's `product` (PlatformDetails) for spot, and by
    its `operation` (UsageOperation) on demand; None: EC2 does not say.
    """

    instance_type: str
    spot: bool
    zone: str
    tenancy: str
    product: str | None
    operation: str | None
    since: datetime
    until: datetime | None
    runs: bool
    # Neither running nor gone: its disks are there.
    rests: bool

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> Self:
        """That of an instance, as DescribeInstances tells of it."""
        state, placement = instance["State"]["Name"], instance.get("Placement", {})
        since = instance["LaunchTime"].astimezone(UTC)
        runs = state in ("pending", "running")
        ended = None if runs else _moment(instance.get("StateTransitionReason", ""))
        return cls(
            instance_type=instance["InstanceType"],
            spot=instance.get("InstanceLifecycle") == "spot",
            zone=placement.get("AvailabilityZone", ""),
            tenancy=placement.get("Tenancy", "default"),
            product=instance.get("PlatformDetails"),
            operation=instance.get("UsageOperation"),
            since=since,
            # One from before its latest start is of another time.
            until=ended if ended is not None and ended >= since else None,
            runs=runs,
            rests=state in ("stopping", "stopped"),
        )


def _moment(reason: str) -> datetime | None:
    found = _MOMENT.search(reason)
    if found is None:
        return None
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


class Tariff(Protocol):
    """Where prices are known."""

    def spot(self, time: Time, until: datetime, now: datetime) -> Decimal | None:
        """What a time came to by the history of spot prices; None if that does not say."""

    def on_demand(self, time: Time) -> Decimal | None:
        """What an hour costs by the price list; None if that does not say."""


def cost(time: Time, now: datetime, tariff: Tariff) -> Cost:
    """What a machine has cost. That its price cannot be asked for is a note, and no failure."""
    until = now if time.runs else time.until
    if until is None:
        disks = f", and {_DISKS}" if time.rests else ""
        return Cost(None, f"EC2 does not say when it ended{disks}")
    if (time.product if time.spot else time.operation) is None:
        return Cost(None, "EC2 does not say as what it is billed")
    until = max(until, time.since + _LEAST)
    try:
        usd = tariff.spot(time, until, now) if time.spot else tariff.on_demand(time)
    except AccountError as error:
        return Cost(None, error.message)
    if usd is None:
        kind = f"{time.instance_type} in {time.zone}"
        if time.spot:
            return Cost(None, f"the history of spot prices of {kind} does not reach its start")
        return Cost(None, f"the price list has no one price of {kind}")
    if not time.spot:
        usd *= Decimal((until - time.since) / _HOUR)
    return Cost(usd, f"it is stopped: {_DISKS}" if time.rests else None)


@dataclass(frozen=True)
class AwsTariff:
    """What AWS says itself; AccountError where it does not answer."""

    account: Account
    _known: dict[tuple[str, str | None, str], Decimal | None] = field(default_factory=dict)

    def spot(self, time: Time, until: datetime, now: datetime) -> Decimal | None:
        """Each change of the price in the machine's zone counts from its moment on."""
        with asking("asking for spot prices"):
            prices = spot_prices(
                self._ec2,
                instance_type=time.instance_type,
                zone=time.zone,
                product=time.product or "",
                since=time.since,
                until=min(until, now),
            )
        return spent(prices, time.since, until)

    def on_demand(self, time: Time) -> Decimal | None:
        """The public price: no discount, saving plan or reservation is known here."""
        key = (time.instance_type, time.operation, time.tenancy)
        if key not in self._known:
            with asking("asking for the price list"):
                self._known[key] = list_price(
                    self._pricing,
                    instance_type=time.instance_type,
                    region=self.account.region,
                    operation=time.operation or "",
                    tenancy=time.tenancy,
                )
        return self._known[key]

    @cached_property
    def _ec2(self) -> Any:
        return self.account.client("ec2")

    @cached_property
    def _pricing(self) -> Any:
        return self.account.client("pricing", region=PRICE_LIST_REGION)
