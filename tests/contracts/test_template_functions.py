"""Functions, their settings, log groups, alarms and permissions, and the stack's parameters."""

import re
from importlib import import_module

import pytest

from shared.settings import Settings
from tests.contracts import aws_calls
from tests.contracts.markdown import code, table
from tests.contracts.wiring import (
    PARAMETERS,
    PROJECT,
    RESOURCES,
    TEMPLATE,
    Function,
    function_of,
    functions,
    listed,
    of_type,
    points_to,
    properties,
    references,
    rules,
    statements_in_text,
)

# What Lambda needs itself: developer guide, "Configuring an SQS event source", "permissions".
POLLS = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
# AWS sets these, or leaves them out; LOG_LEVEL comes from the globals.
SET_BY_AWS = {"aws_region", "aws_xray_daemon_address"}
each_function = pytest.mark.parametrize("function", functions(), ids=lambda f: f.logical_id)
OPERATIONS = (PROJECT / "docs/operations.md").read_text(encoding="utf-8")


def _settings(function: Function) -> type[Settings]:
    app = import_module(f"services.{function.service}.app")
    found: type[Settings] = getattr(app, f"{function.service.title()}Settings")
    return found


def _allowed(function: Function) -> dict[str, set[str]]:
    """The actions that a role allows, with the resources that it names for each."""
    found: dict[str, set[str]] = {}
    for statement in function.statements:
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            found.setdefault(action, set()).update(references(statement["Resource"]))
    return found


def _queue_settings(function: Function) -> set[str]:
    return {
        str(points_to(value))
        for name, value in function.environment.items()
        if name.endswith("_QUEUE_URL")
    }


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
def test_a_function_writes_to_its_own_log_group_only(function: Function) -> None:
    group = str(points_to(function.declared["LoggingConfig"]["LogGroup"]))

    assert properties(group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup"
    assert str(properties(group)["LogGroupName"]["Fn::Sub"]).endswith(f"-{function.service}")
    logs = {a: r for a, r in _allowed(function).items() if a.startswith("logs:")}
    assert logs == {action: {group} for action in LOGS}


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


@each_function
def test_a_role_allows_what_the_code_calls_and_no_more(function: Function) -> None:
    calls = aws_calls.actions(function.service)
    needed = calls | LOGS | (POLLS if function.queue else set())
    if "DeadLetterQueue" in function.declared:
        needed.add("sqs:SendMessage")

    assert set(_allowed(function)) == needed


@each_function
def test_a_role_is_its_functions_alone_and_assumed_by_lambda(function: Function) -> None:
    role = str(points_to(function.declared["Role"]))
    trusted = properties(role)["AssumeRolePolicyDocument"]["Statement"]

    assert [points_to(f.declared["Role"]) for f in functions()].count(role) == 1
    assert [one["Principal"] for one in trusted] == [{"Service": "lambda.amazonaws.com"}]
    assert [points_to(policy) for policy in properties(role)["ManagedPolicyArns"]] == [
        "TracingPolicy"
    ]


@each_function
def test_a_function_reads_its_own_queue_and_sends_to_those_it_knows(function: Function) -> None:
    allowed = _allowed(function)
    own = {function.queue} - {None}
    dead_letters = points_to(function.declared.get("DeadLetterQueue", {}).get("TargetArn"))

    for action in (*POLLS, "sqs:ChangeMessageVisibility"):
        assert allowed.get(action, set()) == own
    sends_to = _queue_settings(function) - own | ({dead_letters} - {None})
    assert allowed.get("sqs:SendMessage", set()) == sends_to


def test_the_adapters_that_the_permissions_are_read_from_are_known() -> None:
    assert not aws_calls.unused_adapters()
    assert aws_calls.clients_made() == set(aws_calls.CLIENTS.values())


def test_every_star_says_on_its_line_which_actions_take_nothing_else() -> None:
    stars = [
        (actions, line)
        for actions, resources in statements_in_text()
        for resource, line in resources
        if resource == "*"
    ]

    assert stars
    for actions, line in stars:
        comment = line.partition("#")[2]
        assert all(action in comment for action in actions), line.strip()


def test_no_action_is_a_star_but_the_keys_owners() -> None:
    wide = [a for actions, _ in statements_in_text() for a in actions if a.endswith(":*")]

    assert wide == ["kms:*"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_says_what_it_takes(name: str) -> None:
    declared = PARAMETERS[name]
    limits = {"MinValue", "MaxValue"} <= set(declared)

    assert declared["Type"]
    assert declared["Description"]
    assert "AllowedValues" in declared or "AllowedPattern" in declared or limits
    if "AllowedPattern" in declared and "Default" in declared:
        assert re.fullmatch(declared["AllowedPattern"], str(declared["Default"]))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_used(name: str) -> None:
    parts = (TEMPLATE["Resources"], TEMPLATE["Globals"], TEMPLATE["Conditions"])

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


def test_lambda_takes_the_schedules_call_from_the_schedule_only() -> None:
    permissions = of_type("AWS::Lambda::Permission").values()
    called = {
        (name, str(points_to(target["Arn"])))
        for name, rule in rules().items()
        for target in rule["Targets"]
        if str(points_to(target["Arn"])) in {f.logical_id for f in functions()}
    }

    assert {(points_to(p["SourceArn"]), points_to(p["FunctionName"])) for p in permissions} == (
        called
    )


def test_bitbucket_gets_its_answer_in_time() -> None:
    # It waits for 10 s: support.atlassian.com, "Troubleshoot webhooks".
    assert function_of("webhook").timeout < 10


def test_docs_operations_have_a_row_for_each_alarm() -> None:
    rows = {code(row[0])[0]: row for row in table(OPERATIONS, "Alarm")}

    assert set(rows) == set(of_type("AWS::CloudWatch::Alarm"))
    assert all(all(cell for cell in row) for row in rows.values())
