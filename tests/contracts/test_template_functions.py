"""Functions and their settings, alarms and metrics, and the stack's parameters."""

import re
from importlib import import_module

import pytest

from shared.settings import Settings
from tests.contracts.markdown import code, table
from tests.contracts.wiring import (
    PARAMETERS,
    PROJECT,
    RESOURCES,
    TEMPLATE,
    Function,
    function_of,
    functions,
    of_type,
    points_to,
    references,
)

# AWS sets these, or leaves them out; LOG_LEVEL comes from the globals.
SET_BY_AWS = {"aws_region", "aws_xray_daemon_address"}
each_function = pytest.mark.parametrize("function", functions(), ids=lambda f: f.logical_id)
OPERATIONS = (PROJECT / "docs/operations.md").read_text(encoding="utf-8")


def _settings(function: Function) -> type[Settings]:
    app = import_module(f"services.{function.service}.app")
    found: type[Settings] = getattr(app, f"{function.service.title()}Settings")
    return found


@each_function
def test_a_functions_variables_are_its_settings(function: Function) -> None:
    fields = set(_settings(function).model_fields) - SET_BY_AWS

    assert {name.lower() for name in function.environment} == fields
    assert all(name.isupper() for name in function.environment)


@each_function
def test_a_functions_variables_name_what_there_is(function: Function) -> None:
    for name, value in function.environment.items():
        named = set(references(value))
        assert named, f"{name} is written out: make it a parameter, or point to a resource"
        assert named <= set(PARAMETERS) | set(RESOURCES)


@each_function
def test_a_function_has_an_alarm_on_its_errors(function: Function) -> None:
    alarms = [
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
        and alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function.logical_id}}]
    ]

    assert len(alarms) == 1
    assert (alarms[0]["Statistic"], alarms[0]["Threshold"]) == ("Sum", 0)


def test_a_reconciler_that_does_not_run_has_an_alarm() -> None:
    [alarm] = [
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Invocations")
    ]
    ticks = PARAMETERS["ReconcileRate"]["AllowedPattern"]
    slowest = max(n for n in range(2, 1000) if re.fullmatch(ticks, f"rate({n} minutes)"))

    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "ReconcilerFunction"}}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    # Where it does not run, there is no metric.
    assert alarm["TreatMissingData"] == "breaching"
    # A slow schedule does not ring: it ticks at least once in all these periods but one.
    assert slowest * 60 < alarm["Period"] * (alarm["EvaluationPeriods"] - 1)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_says_what_it_takes(name: str) -> None:
    declared = PARAMETERS[name]
    limits = {"MinValue", "MaxValue"} <= set(declared)

    assert declared["Type"]
    assert declared["Description"]
    assert "AllowedValues" in declared or "AllowedPattern" in declared or limits
    if "AllowedPattern" in declared and "Default" in declared:
        default = str(declared["Default"])
        is_list = declared["Type"] == "CommaDelimitedList"
        for value in default.split(",") if is_list else [default]:
            assert re.fullmatch(declared["AllowedPattern"], value)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_used(name: str) -> None:
    # As an output it reaches the command line, and with it the templates of projects.
    parts = [TEMPLATE[part] for part in ("Resources", "Globals", "Conditions", "Outputs")]

    assert name in {used for part in parts for used in references(part)} | {
        used
        for condition in TEMPLATE["Conditions"].values()
        for used in re.findall(r"'Ref': '(\w+)'", str(condition))
    }


@pytest.mark.parametrize("name", ["no", "no one@example.com", "one@example.com "])
def test_a_mail_address_is_recognised(name: str) -> None:
    for parameter in ("AlarmEmail", "FailedRunsEmail"):
        pattern = PARAMETERS[parameter]["AllowedPattern"]
        assert re.fullmatch(pattern, name) is None
        assert re.fullmatch(pattern, "someone@example.com") is not None


def test_every_alarm_tells_somebody() -> None:
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        told = [points_to(topic) for topic in alarm["AlarmActions"]]
        assert told == ["AlarmsTopic"], name
        assert alarm["AlarmDescription"], name


def test_a_metric_of_ours_has_its_filter_and_its_log_line() -> None:
    measured = {
        one["MetricTransformations"][0]["MetricName"]: re.findall(
            r'"([^"]+)"', one["FilterPattern"]
        )[0]
        for one in of_type("AWS::Logs::MetricFilter").values()
    }
    watched = {
        alarm["MetricName"]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if not str(alarm["Namespace"]).startswith("AWS/")
    }
    code_text = "".join(
        file.read_text(encoding="utf-8")
        for part in ("services", "shared")
        for file in (PROJECT / part).rglob("*.py")
    )

    assert watched <= set(measured)
    for line in measured.values():
        assert re.search(rf'log\.\w+\(\s*"{line}"', code_text), f"nothing logs {line!r}"


def test_bitbucket_gets_its_answer_in_time() -> None:
    # It waits for 10 s: support.atlassian.com, "Troubleshoot webhooks".
    assert function_of("webhook").timeout < 10


def test_docs_operations_have_a_row_for_each_alarm() -> None:
    rows = {code(row[0])[0]: row for row in table(OPERATIONS, "Alarm")}

    assert set(rows) == set(of_type("AWS::CloudWatch::Alarm"))
    assert all(all(cell for cell in row) for row in rows.values())
