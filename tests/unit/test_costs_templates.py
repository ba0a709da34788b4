"""Which resources a deployment makes, as far as docs/cost.md must know."""

from typing import Any

import pytest

from cli.costs.templates import Resource, Template

WRITTEN: dict[str, Any] = {
    "Parameters": {
        "Kind": {"Type": "String", "Default": "public"},
        "Zones": {"Type": "Number", "Default": 3},
        "Given": {"Type": "String"},
    },
    "Conditions": {
        "Hidden": {"Fn::Equals": [{"Ref": "Kind"}, "private"]},
        "Wide": {"Fn::Equals": [{"Ref": "Zones"}, "3"]},
        "Both": {"Fn::And": [{"Condition": "Hidden"}, {"Condition": "Wide"}]},
        "Either": {"Fn::Or": [{"Condition": "Hidden"}, {"Condition": "Wide"}]},
        "Open": {"Fn::Not": [{"Condition": "Hidden"}]},
    },
    "Globals": {"Function": {"MemorySize": 512, "Timeout": 30}},
    "Resources": {
        "Gateway": {"Type": "AWS::EC2::NatGateway", "Condition": "Both"},
        "Door": {"Type": "AWS::EC2::InternetGateway", "Condition": "Either"},
        "Lawn": {"Type": "AWS::EC2::Subnet", "Condition": "Open"},
        "Worker": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Timeout": 9,
                "Zones": {"Ref": "Zones"},
                "Name": {"Fn::Sub": "${Kind}"},
                "Key": {"Fn::If": ["Hidden", "a key", {"Ref": "AWS::NoValue"}]},
                "List": [{"Fn::If": ["Wide", "wide", "narrow"]}, {"Ref": "Worker2"}],
            },
        },
    },
}


def made(**parameters: object) -> dict[str, Resource]:
    return {one.name: one for one in Template("template.yaml", WRITTEN).made(parameters)}


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, {"Door", "Lawn", "Worker"}),
        ({"Kind": "private"}, {"Gateway", "Door", "Worker"}),
        ({"Kind": "private", "Zones": 2}, {"Door", "Worker"}),
        ({"Zones": "2"}, {"Lawn", "Worker"}),
    ],
)
def test_a_deployment_makes_what_its_conditions_say(
    parameters: dict[str, object], names: set[str]
) -> None:
    assert made(**parameters).keys() == names


def test_a_function_gets_what_all_functions_have_unless_it_says_otherwise() -> None:
    properties = made()["Worker"].properties

    assert properties["MemorySize"] == 512
    assert properties["Timeout"] == 9


def test_properties_hold_values_where_they_named_parameters() -> None:
    properties = made(Zones=3)["Worker"].properties

    assert properties["Zones"] == 3
    assert properties["List"] == ["wide", {"Ref": "Worker2"}]
    assert "Key" not in properties


def test_a_type_counts_under_whatever_condition() -> None:
    assert "AWS::EC2::NatGateway" in Template("template.yaml", WRITTEN).kinds()
