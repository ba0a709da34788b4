"""What the embedded EC2 decides without a machine: troubles, states, prices, metadata."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from local.machines.pricing import products
from local.machines.spot import on_demand_price, price_history
from local.machines.troubles import Subject, Trouble, Troubles

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
NONE_LEFT = {"RunInstances": "InsufficientInstanceCapacity"}


def test_a_trouble_concerns_whoever_fits_all_that_it_names() -> None:
    trouble = Trouble(instance_type="p3.2xlarge", name="dear")

    assert trouble.concerns(Subject(instance_type="p3.2xlarge", name="dear", subnet_id="subnet-1"))
    assert not trouble.concerns(Subject(instance_type="p3.2xlarge", name="cheap"))
    assert not trouble.concerns(Subject())
    assert Trouble().concerns(Subject())


def test_the_first_trouble_that_refuses_an_operation_says_how() -> None:
    troubles = Troubles()
    troubles.order(Trouble(unreachable=True))
    troubles.order(Trouble(subnet_id="subnet-1", refuses=NONE_LEFT))
    troubles.order(Trouble(refuses={"RunInstances": "UnauthorizedOperation"}))

    here = Subject(subnet_id="subnet-1")
    assert troubles.refusal("RunInstances", here) == "InsufficientInstanceCapacity"
    assert troubles.refusal("RunInstances", Subject()) == "UnauthorizedOperation"
    assert troubles.refusal("TerminateInstances", here) is None
    troubles.clear()
    assert troubles.refusal("RunInstances", here) is None


def test_a_trouble_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError):
        Trouble.model_validate({"unreachabel": True})


def test_spots_prices_reach_back_to_the_one_in_force_at_the_start() -> None:
    start = NOW - timedelta(hours=12)
    history = list(price_history(["c5.large"], ["eu-west-1a", "eu-west-1b"], start, NOW))
    times = [one["Timestamp"] for one in history]

    assert times == sorted(times, reverse=True)
    assert times[-1] <= start
    assert {one["AvailabilityZone"] for one in history} == {"eu-west-1a", "eu-west-1b"}
    assert len({one["SpotPrice"] for one in history}) > 1
    assert list(price_history(["t9.enormous"], ["eu-west-1a"], start, NOW)) == []


def test_the_price_list_has_one_product_for_a_question_that_it_understands() -> None:
    asked = {"instanceType": "c5.large", "regionCode": "eu-west-1", "tenancy": "Shared"}
    filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in asked.items()]
    (found,) = products({"Filters": filters}, "eu-west-1")["PriceList"]
    (term,) = json.loads(found)["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()

    price = on_demand_price("c5.large")
    assert price is not None
    assert float(dimension["pricePerUnit"]["USD"]) == pytest.approx(price)
    assert products({"Filters": filters}, "us-east-1")["PriceList"] == []
