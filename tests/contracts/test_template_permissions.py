"""Least privilege: each role allows what its function's code calls, on what it is told of."""

import pytest

from shared.names import Names
from tests.contracts import aws_calls
from tests.contracts.wiring import (
    RESOURCES,
    Function,
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
each_function = pytest.mark.parametrize("function", functions(), ids=lambda f: f.logical_id)


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
def test_a_role_allows_what_the_code_calls_and_no_more(function: Function) -> None:
    calls = aws_calls.actions(function.service)
    needed = calls | LOGS | (POLLS if function.queue else set())
    if "DeadLetterQueue" in function.declared:
        needed.add("sqs:SendMessage")
    if "batch:SubmitJob" in calls:
        # Our jobs are submitted with tags: Batch user guide, "Tag your resources".
        needed.add("batch:TagResource")

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

    sends_to = {
        str(points_to(function.environment[setting.upper()]))
        for setting in aws_calls.published_to_queues(function.service).values()
    }
    counts = "sqs:GetQueueAttributes" in aws_calls.actions(function.service)
    for action in (*POLLS, "sqs:ChangeMessageVisibility"):
        also = sends_to if counts and action == "sqs:GetQueueAttributes" else set()
        assert allowed.get(action, set()) == own | also
    assert sends_to | own >= _queue_settings(function)
    assert allowed.get("sqs:SendMessage", set()) == sends_to | ({dead_letters} - {None})


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("batch:TerminateJob", "aws:ResourceTag/cloud-runner"),
        ("batch:TagResource", "aws:RequestTag/cloud-runner"),
    ],
)
def test_only_jobs_with_this_stacks_tag_are_tagged_or_ended(action: str, key: str) -> None:
    ours = Names("${Organization}", "${Environment}").job_tags(None)["cloud-runner"]
    statements = [s for f in functions() for s in f.statements if action in listed(s["Action"])]

    assert statements
    for statement in statements:
        assert statement["Condition"] == {"StringEquals": {key: {"Fn::Sub": ours}}}


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


@each_function
def test_a_function_writes_to_its_own_log_group_only(function: Function) -> None:
    group = str(points_to(function.declared["LoggingConfig"]["LogGroup"]))

    assert properties(group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup"
    assert str(properties(group)["LogGroupName"]["Fn::Sub"]).endswith(f"-{function.service}")
    logs = {a: r for a, r in _allowed(function).items() if a.startswith("logs:")}
    assert logs == {action: {group} for action in LOGS}
