"""What AWS asks for an hour of a machine: spot's price history, and the public price list. In USD.

Nothing is guessed: where AWS has no one answer, there is none.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

# The price list is the same everywhere, and answers in a few regions (API reference, "Endpoints").
PRICE_LIST_REGION: Final = "us-east-1"
_SECONDS_PER_HOUR = Decimal(3600)
# EC2's Tenancy, and what the price list calls it.
_TENANCIES = {"default": "Shared", "dedicated": "Dedicated"}
# What fits a filter is one product or a few; more pages of it are no answer.
_MOST_PRODUCTS = 100


@dataclass(frozen=True, order=True)
class SpotPrice:
    """What an hour costs from a moment on, until the next such price."""

    since: datetime
    usd_an_hour: Decimal


def spot_prices(
    ec2: Any, *, instance_type: str, zone: str, product: str, since: datetime, until: datetime
) -> Sequence[SpotPrice]:
    """The prices between two moments, oldest first; the first is that of `since`, or earlier.

    `product` is EC2's PlatformDetails. The history has 90 days (DescribeSpotPriceHistory,
    StartTime).
    """
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=[instance_type],
        ProductDescriptions=[product],
        AvailabilityZone=zone,
        StartTime=since,
        EndTime=until,
    )
    return sorted(
        SpotPrice(one["Timestamp"].astimezone(UTC), Decimal(one["SpotPrice"]))
        for page in pages
        for one in page["SpotPriceHistory"]
    )


def spent(prices: Sequence[SpotPrice], since: datetime, until: datetime) -> Decimal | None:
    """What the time between two moments came to; None if the first price came after it began.

    >>> noon, one = datetime(2026, 11, 20, 12), datetime(2026, 11, 20, 13)
    >>> spent([SpotPrice(noon, Decimal("0.30"))], noon, one)
    Decimal('0.30')
    """
    if not prices or prices[0].since > since:
        return None
    total = Decimal(0)
    ends = [*(price.since for price in prices[1:]), until]
    for price, end in zip(prices, ends, strict=True):
        span = min(end, until) - max(price.since, since)
        total += price.usd_an_hour * max(Decimal(0), Decimal(span.total_seconds()))
    return total / _SECONDS_PER_HOUR


def list_price(
    pricing: Any, *, instance_type: str, region: str, operation: str, tenancy: str
) -> Decimal | None:
    """What an hour costs on demand; None where the list has no one price for it.

    `operation` is EC2's UsageOperation, which stands for operating system and installed software
    (EC2 User Guide, "AMI billing information fields"); `tenancy` is EC2's.
    """
    if tenancy not in _TENANCIES:
        return None  # A host is paid for, whatever runs on it.
    wanted = {
        "instanceType": instance_type,
        "regionCode": region,
        "operation": operation,
        "tenancy": _TENANCIES[tenancy],
        "capacitystatus": "Used",
    }
    answer = pricing.get_products(
        ServiceCode="AmazonEC2",
        Filters=[
            {"Type": "TERM_MATCH", "Field": field, "Value": value}
            for field, value in wanted.items()
        ],
        MaxResults=_MOST_PRODUCTS,
    )
    found = set(_hourly(json.loads(text) for text in answer["PriceList"]))
    return found.pop() if len(found) == 1 else None


def _hourly(products: Iterable[Mapping[str, Any]]) -> Iterator[Decimal]:
    """The prices of an hour in the offers on demand; those of nothing belong to other bills."""
    for product in products:
        # Blocks of capacity, which are reserved and paid beforehand, are in the list as well.
        if product["product"]["attributes"].get("marketoption", "OnDemand") != "OnDemand":
            continue
        for offer in product["terms"].get("OnDemand", {}).values():
            for dimension in offer["priceDimensions"].values():
                usd = Decimal(dimension["pricePerUnit"].get("USD", 0))
                if dimension["unit"] == "Hrs" and usd:
                    yield usd
