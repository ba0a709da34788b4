"""The root stack and the compute stack in it agree, and the dashboard shows what there is."""

import json
import re

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.contracts.wiring import PARAMETERS, PROJECT, RESOURCES, TEMPLATE, of_type, properties

COMPUTE = yaml_parse((PROJECT / "container/compute.yaml").read_text(encoding="utf-8"))
LIMITS = ("Type", "Default", "AllowedValues", "AllowedPattern", "MinValue", "MaxValue")
PASSED = properties("Compute")["Parameters"]


def test_every_parameter_of_the_compute_stack_is_one_of_the_root_stack() -> None:
    assert set(PASSED) == set(COMPUTE["Parameters"])
    for name, value in PASSED.items():
        assert value in ({"Ref": name}, {"Fn::Join": [",", {"Ref": name}]})


@pytest.mark.parametrize("name", PASSED)
def test_a_parameter_takes_the_same_in_both(name: str) -> None:
    root, nested = PARAMETERS[name], COMPUTE["Parameters"][name]

    assert {limit: root.get(limit) for limit in LIMITS} == {
        limit: nested.get(limit) for limit in LIMITS
    }


def test_the_root_stack_reads_outputs_that_the_compute_stack_has() -> None:
    asked = set(re.findall(r"'Compute', 'Outputs\.(\w+)'", str(TEMPLATE)))
    asked |= set(re.findall(r"Compute\.Outputs\.(\w+)", str(TEMPLATE)))

    assert asked == set(COMPUTE["Outputs"])


def dashboard() -> dict[str, list[dict[str, object]]]:
    """The dashboard's body, with what it refers to left as `${Name}`."""
    (one,) = of_type("AWS::CloudWatch::Dashboard").values()
    body: dict[str, list[dict[str, object]]] = json.loads(one["DashboardBody"]["Fn::Sub"])
    return body


def test_the_dashboard_shows_every_alarm_queue_and_function() -> None:
    shown = set(re.findall(r"\$\{(\w+)", json.dumps(dashboard())))
    wanted = {
        name
        for kind in ("AWS::CloudWatch::Alarm", "AWS::SQS::Queue", "AWS::Serverless::Function")
        for name in of_type(kind)
    }

    assert wanted <= shown
    assert shown - {"AWS", "Environment"} <= set(RESOURCES)


def test_no_part_of_the_dashboard_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        x, y, width, height = (int(str(widget[name])) for name in ("x", "y", "width", "height"))
        cells = {(x + i, y + j) for i in range(width) for j in range(height)}
        assert x + width <= 24
        assert not cells & taken
        taken |= cells
