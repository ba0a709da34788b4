"""The price list, for one question: what an hour of an instance type costs on demand."""

import json
from collections.abc import Mapping
from typing import Any, Final

from local.machines.spot import on_demand_price

# What the list says of a type besides, in words of its own; another value of these finds nothing.
_ATTRIBUTES: Final = {
    "operatingSystem": "Linux",
    "operation": "RunInstances",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
    "marketoption": "OnDemand",
}


def products(asked: Mapping[str, Any], region: str) -> dict[str, Any]:
    """GetProducts' answer to filters of kind TERM_MATCH, for a region."""
    wanted = {one["Field"]: one["Value"] for one in asked.get("Filters", [])}
    kind = wanted.get("instanceType", "")
    price = on_demand_price(kind)
    here = {**_ATTRIBUTES, "instanceType": kind, "regionCode": region}
    fits = all(here.get(field, value) == value for field, value in wanted.items())
    found = [] if price is None or not fits else [_product(here, price)]
    return {"FormatVersion": "aws_v1", "PriceList": found}


def _product(attributes: Mapping[str, str], price: float) -> str:
    dimension = {
        "unit": "Hrs",
        "beginRange": "0",
        "endRange": "Inf",
        "pricePerUnit": {"USD": f"{price:.10f}"},
    }
    term = {"priceDimensions": {"EMBEDDED.TERM.HOUR": dimension}}
    return json.dumps(
        {
            "product": {"productFamily": "Compute Instance", "attributes": dict(attributes)},
            "serviceCode": "AmazonEC2",
            "terms": {"OnDemand": {"EMBEDDED.TERM": term}},
        }
    )
