"""The table of public prices, prices.toml, and bills made of them. All money is USD."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

# The first is the one that the page shows in full.
REGIONS = ("eu-west-1", "us-east-1")


@dataclass(frozen=True)
class Price:
    """What one unit costs in a region, where its owner says so, and how sure that is.

    `free` units a month cost nothing in an account that has nothing else. `known` is None where
    what was read bears no date. `checked` is false if it was compared neither with a copy of the
    price list nor with one of its owner's page.
    """

    name: str
    what: str
    unit: str
    page: str
    usd: Decimal
    known: date | None
    checked: bool
    free: Decimal = Decimal(0)
    note: str = ""


Prices = Mapping[str, Price]


@dataclass(frozen=True)
class Line:
    """A line of a bill; `how` tells where its quantity comes from."""

    price: Price
    quantity: Decimal
    how: str = ""

    @property
    def usd(self) -> Decimal:
        """What it comes to, with no unit for nothing."""
        return self.price.usd * self.quantity


Bill = tuple[Line, ...]


def total(bill: Iterable[Line]) -> Decimal:
    """The sum of all lines."""
    return sum((line.usd for line in bill), Decimal(0))


def total_beyond_free(bill: Iterable[Line]) -> Decimal:
    """What a month's bill comes to where nothing else in the account uses what is free."""
    quantities: dict[Price, Decimal] = {}
    for line in bill:
        quantities[line.price] = quantities.get(line.price, Decimal(0)) + line.quantity
    return sum(
        (price.usd * max(Decimal(0), used - price.free) for price, used in quantities.items()),
        Decimal(0),
    )


@cache
def prices(region: str) -> Prices:
    """Every price in a region, by name.

    Raises:
        KeyError: a price of the table is not told for this region.

    """
    text = resources.files(__package__).joinpath("prices.toml").read_text(encoding="utf-8")
    return {name: _price(name, entry, region) for name, entry in tomllib.loads(text).items()}


def _price(name: str, entry: Mapping[str, Any], region: str) -> Price:
    there = entry[region]
    return Price(
        name=name,
        what=entry["what"],
        unit=entry["unit"],
        page=entry["page"],
        usd=Decimal(there["usd"]),
        known=there.get("known"),
        checked=there["checked"],
        free=Decimal(entry.get("free", 0)),
        note=entry.get("note", ""),
    )
