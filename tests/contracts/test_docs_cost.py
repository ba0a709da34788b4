"""docs/cost.md is what the templates, the quantities and the prices say now."""

import pytest

from cli.costs.__main__ import TARGET
from cli.costs.page import page
from cli.costs.prices import REGIONS, prices
from cli.costs.resources import FREE, PAID
from cli.costs.templates import INSTALLATION, PROJECT, ROOT, Template, read
from tests.contracts.markdown import table

TEMPLATES = read((*INSTALLATION, *PROJECT))
each_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.path)


def test_docs_say_what_the_runner_costs_now() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(), "run: make cost"


@pytest.mark.parametrize("path", [*INSTALLATION, *PROJECT])
def test_docs_of_costs_read_every_template(path: str) -> None:
    assert (ROOT / path).exists()


@each_template
def test_docs_know_how_each_resource_type_is_paid_for(template: Template) -> None:
    unknown = template.kinds() - PAID.keys() - FREE.keys()

    assert not unknown, "say in cli/costs/resources.py what it costs, or why nothing"


def test_docs_say_of_no_resource_type_both_that_it_costs_and_that_it_does_not() -> None:
    assert not PAID.keys() & FREE.keys()


@each_template
def test_docs_count_on_endpoints_that_cost_nothing(template: Template) -> None:
    endpoints = [
        resource["Properties"]
        for resource in template.written["Resources"].values()
        if resource["Type"] == "AWS::EC2::VPCEndpoint"
    ]

    assert all(endpoint["VpcEndpointType"] == "Gateway" for endpoint in endpoints)


def test_docs_mark_every_price_that_was_not_checked() -> None:
    rows = table(TARGET.read_text(encoding="utf-8"), "Price of")
    marked = [tuple(cell.endswith(" ?") for cell in (row[1], row[3])) for row in rows]
    by_region = [prices(region).values() for region in REGIONS]

    assert marked == [
        tuple(not one.checked for one in both) for both in zip(*by_region, strict=True)
    ]
