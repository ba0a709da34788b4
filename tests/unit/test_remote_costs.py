"""What a machine has cost: spot by the history of its price, on demand by the price list."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.asking import AccountError
from cli.remote.costing import Cost, Time, cost
from cli.remote.prices import SpotPrice, list_price, spent
from tests.samples import NOW

HOUR = timedelta(hours=1)


def usd(text: str) -> Decimal:
    return Decimal(text)


def at(hours: float, price: str) -> SpotPrice:
    """A price from so many hours after NOW on."""
    return SpotPrice(NOW + hours * HOUR, usd(price))


def instance(state: str = "running", reason: str = "", **fields: Any) -> dict[str, Any]:
    """A machine as EC2 describes it, that was started three hours before NOW."""
    return {
        "InstanceId": "i-0a",
        "InstanceType": "m7i.large",
        "State": {"Name": state},
        "StateTransitionReason": reason,
        "LaunchTime": NOW - 3 * HOUR,
        "Placement": {"AvailabilityZone": "eu-west-1a", "Tenancy": "default"},
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        **fields,
    }


@dataclass
class Prices:
    """A tariff of one price an hour, or of none."""

    hour: str | None

    def spot(self, time: Time, until: datetime, now: datetime) -> Decimal | None:
        """By that price all the time."""
        history = [] if self.hour is None else [SpotPrice(time.since, usd(self.hour))]
        return spent(history, time.since, until)

    def on_demand(self, time: Time) -> Decimal | None:
        """That price."""
        return None if self.hour is None else usd(self.hour)


def test_each_price_counts_while_it_holds() -> None:
    prices = [at(-2, "0.10"), at(1, "0.40"), at(1.5, "0.20")]

    assert spent(prices, NOW, NOW + 3 * HOUR) == usd("0.10") + usd("0.20") + usd("0.30")


def test_what_began_before_the_first_known_price_has_no_figure() -> None:
    assert spent([at(1, "0.40")], NOW, NOW + 3 * HOUR) is None
    assert spent([], NOW, NOW + HOUR) is None


def test_a_price_that_came_after_the_end_counts_for_nothing() -> None:
    assert spent([at(0, "1"), at(5, "100")], NOW, NOW + HOUR) == usd("1")


@given(
    moves=st.lists(
        st.tuples(st.integers(0, 48 * 3600), st.integers(1, 10**6)), max_size=8, unique=True
    ),
    middle=st.integers(0, 24 * 3600),
    end=st.integers(24 * 3600, 48 * 3600),
)
def test_two_parts_of_a_time_cost_as_much_as_the_whole(
    moves: list[tuple[int, int]], middle: int, end: int
) -> None:
    history = sorted(
        SpotPrice(NOW + timedelta(seconds=second), Decimal(price) / 10**6)
        for second, price in [(0, 300_000), *moves]
    )
    between, until = NOW + timedelta(seconds=middle), NOW + timedelta(seconds=end)
    first, second = spent(history, NOW, between), spent(history, between, until)
    whole = spent(history, NOW, until)

    assert whole is not None
    assert first is not None
    assert second is not None
    assert abs(first + second - whole) < Decimal("1e-20")


def test_a_machine_on_demand_costs_its_hours_so_far() -> None:
    told = cost(Time.of(instance()), NOW, Prices("0.1008"))

    assert told == Cost(usd("0.3024"))
    assert str(told) == "$0.30"


def test_a_spot_machine_costs_what_its_time_came_to() -> None:
    told = cost(Time.of(instance(InstanceLifecycle="spot")), NOW, Prices("0.04"))

    assert told == Cost(usd("0.12"))


@pytest.mark.parametrize("lifecycle", [{}, {"InstanceLifecycle": "spot"}], ids=["demand", "spot"])
def test_a_minute_is_charged_at_least(lifecycle: dict[str, str]) -> None:
    begun = instance("pending", LaunchTime=NOW - timedelta(seconds=6), **lifecycle)
    told = cost(Time.of(begun), NOW, Prices("36"))

    assert told.usd is not None
    assert round(told.usd, 6) == usd("0.6")


def test_a_stopped_machine_costs_until_it_was_stopped_and_its_disks_are_named() -> None:
    reason = "User initiated (2026-11-20 10:00:00 GMT)"
    told = cost(Time.of(instance("stopped", reason)), NOW, Prices("0.10"))

    assert told.usd == usd("0.10")
    assert told.note == "it is stopped: its disks go on costing"


def test_a_terminated_machine_costs_until_then() -> None:
    reason = "User initiated (2026-11-20 11:00:00 GMT)"

    assert cost(Time.of(instance("terminated", reason)), NOW, Prices("1")) == Cost(usd("2"))


def test_an_old_reason_ends_nothing_that_runs() -> None:
    reason = "User initiated (2026-11-20 10:00:00 GMT)"

    assert cost(Time.of(instance("running", reason)), NOW, Prices("1")) == Cost(usd("3"))


@pytest.mark.parametrize(
    ("described", "price", "note"),
    [
        (instance("terminated", "User initiated"), "1", "does not say when it ended"),
        (instance("stopped", "User initiated (2026-11-19 10:00:00 GMT)"), "1", "does not say when"),
        (instance("stopped"), "1", "when it ended, and its disks go on costing"),
        (instance(UsageOperation=None), "1", "does not say as what it is billed"),
        (instance(InstanceLifecycle="spot", PlatformDetails=None), "1", "as what it is billed"),
        (instance(), None, "the price list has no one price of m7i.large in eu-west-1a"),
        (instance(InstanceLifecycle="spot"), None, "does not reach its start"),
    ],
)
def test_what_cannot_be_known_is_a_question_mark_with_a_reason(
    described: Mapping[str, Any], price: str | None, note: str
) -> None:
    told = cost(Time.of(described), NOW, Prices(price))

    assert str(told) == "?"
    assert note in (told.note or "")


def test_prices_that_may_not_be_asked_for_are_no_failure() -> None:
    class Refused(Prices):
        def on_demand(self, time: Time) -> Decimal | None:
            raise AccountError("asking for the price list: AccessDeniedException: no")

    told = cost(Time.of(instance()), NOW, Refused("1"))

    assert told == Cost(None, "asking for the price list: AccessDeniedException: no")


@pytest.mark.parametrize(
    ("figure", "text"),
    [("0", "$0.00"), ("0.004", "<$0.01"), ("0.42", "$0.42"), ("1234.5", "$1,234.50")],
)
def test_a_cost_is_told_in_cents(figure: str, text: str) -> None:
    assert str(Cost(usd(figure))) == text


def a_product(price: str, unit: str = "Hrs", **attributes: str) -> str:
    """A product of the price list, as GetProducts gives it: JSON in a text."""
    offer = {"priceDimensions": {"A.B.C": {"unit": unit, "pricePerUnit": {"USD": price}}}}
    return json.dumps(
        {"product": {"attributes": attributes}, "terms": {"OnDemand": {"A.B": offer}}}
    )


class PriceList:
    """The price list of these products, whatever is asked for; it keeps what was."""

    def __init__(self, *products: str) -> None:
        self.products = products
        self.filters: dict[str, str] = {}

    def get_products(self, **asked: Any) -> dict[str, Any]:
        """All of them."""
        self.filters = {one["Field"]: one["Value"] for one in asked["Filters"]}
        return {"PriceList": list(self.products)}


def priced(*products: str, tenancy: str = "default") -> Decimal | None:
    return list_price(
        PriceList(*products),
        instance_type="m7i.large",
        region="eu-west-1",
        operation="RunInstances",
        tenancy=tenancy,
    )


def test_the_price_list_is_asked_for_exactly_this_machine() -> None:
    prices = PriceList(a_product("0.1008000000"))
    hour = list_price(
        prices,
        instance_type="m7i.large",
        region="eu-west-1",
        operation="RunInstances:0010",
        tenancy="dedicated",
    )

    assert hour == usd("0.1008")
    assert prices.filters == {
        "instanceType": "m7i.large",
        "regionCode": "eu-west-1",
        "operation": "RunInstances:0010",
        "tenancy": "Dedicated",
        "capacitystatus": "Used",
    }


def test_two_prices_are_no_price() -> None:
    assert priced(a_product("0.10"), a_product("0.20")) is None
    assert priced(a_product("0.10"), a_product("0.1000")) == usd("0.10")
    assert priced() is None


def test_what_is_on_another_bill_is_no_price() -> None:
    assert priced(a_product("0.0000000000")) is None
    assert priced(a_product("0.10", unit="Quantity")) is None
    block = a_product("9", marketoption="CapacityBlock")
    assert priced(block, a_product("0.10", marketoption="OnDemand")) == usd("0.10")
    assert priced(a_product("0.10"), tenancy="host") is None


def test_a_price_in_other_money_is_no_price() -> None:
    yuan = a_product("0").replace('"USD": "0"', '"CNY": "0.7"')

    assert priced(yuan) is None
