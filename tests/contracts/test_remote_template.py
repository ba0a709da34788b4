"""container/remote.yaml: what a machine of one's own may do, and what people may do with it."""

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from shared import machine_tags
from tests.contracts.recorded_calls import unknown
from tests.contracts.remote_stack import (
    ARN,
    MACHINE_ROLE,
    REMOTE,
    RESOURCES,
    TEXT,
    Asked,
    allowed_actions,
    allows,
    statements,
)
from tests.contracts.wiring import (
    PARAMETERS,
    TEMPLATE,
    function_of,
    listed,
    properties,
    references,
    statements_in_text,
)

PASSED = properties("Remote")["Parameters"]
LOGS = "log-group:/aws/batch/jobs:log-stream"
INSTANCE = ARN.format("ec2", "instance/i-0a1b2c3d4e5f60718")
ENDS = ("ec2:TerminateInstances", "ec2:StopInstances")
# IAM and AWS STS quotas: managed policy 6,144 and all inline policies of a role 10,240 characters,
# white space aside.
LARGEST_MANAGED, LARGEST_INLINE = 6144, 10240


def test_every_parameter_of_the_stack_of_machines_is_given_by_the_root_stack() -> None:
    assert set(PASSED) == set(REMOTE["Parameters"])
    for name in set(PASSED) & set(PARAMETERS):
        assert PASSED[name] in ({"Ref": name}, {"Fn::Join": [",", {"Ref": name}]})
        assert REMOTE["Parameters"][name].get("AllowedPattern") == (
            PARAMETERS[name].get("AllowedPattern")
        )


@pytest.mark.parametrize("name", REMOTE["Parameters"])
def test_a_parameter_of_the_stack_of_machines_says_what_it_takes_and_is_used(name: str) -> None:
    declared = REMOTE["Parameters"][name]
    used = set(references([REMOTE[part] for part in ("Conditions", "Resources", "Outputs")]))

    assert declared["Description"]
    assert {"AllowedPattern", "AllowedValues"} & set(declared)
    assert name in used


def test_the_root_stack_gives_out_what_the_stack_of_machines_does() -> None:
    asked = set(re.findall(r"'Remote', 'Outputs\.(\w+)'", str(TEMPLATE)))

    assert asked == set(REMOTE["Outputs"]) == asked & set(TEMPLATE["Outputs"])


def test_every_star_in_the_stack_of_machines_is_for_actions_that_take_nothing_else() -> None:
    data = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json")
    known: dict[str, Any] = json.loads(data.read_text(encoding="utf-8"))
    stars = [
        (actions, line)
        for actions, resources in statements_in_text(TEXT)
        for resource, line in resources
        if resource == "*"
    ]

    assert stars
    for actions, line in stars:
        assert line.partition("#")[2], line.strip()
        for action in actions:
            service, name = action.split(":")
            assert "Resources" not in known[service]["Actions"][name.lower()], action


def test_the_stack_of_machines_names_every_action_and_iam_knows_each() -> None:
    allowed = allowed_actions("MachineRole") | allowed_actions("RemotePolicy")

    assert not [action for action in allowed if "*" in action]
    assert not unknown(allowed)


def test_the_policies_are_no_larger_than_iam_takes_them() -> None:
    bucket = "arn:aws:s3:::" + "b" * 63
    sizes = {
        name: len(re.sub(r"\s", "", json.dumps(statements(name, ",".join([bucket] * 5)))))
        for name in ("RemotePolicy", "MachineRole")
    }

    assert sizes["RemotePolicy"] < LARGEST_MANAGED - 500
    assert sizes["MachineRole"] < LARGEST_INLINE - 500


def test_the_role_is_for_instances_alone_and_the_profile_gives_it_to_them() -> None:
    (trusted,) = RESOURCES["MachineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trusted["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert RESOURCES["MachineProfile"]["Properties"]["Roles"] == [{"Ref": "MachineRole"}]
    assert "ManagedPolicyArns" not in RESOURCES["MachineRole"]["Properties"]


@pytest.mark.parametrize(
    ("action", "resource", "may"),
    [
        ("s3:GetObject", "arn:aws:s3:::data/program/job.pyz", True),
        ("s3:PutObject", "arn:aws:s3:::data/program/job.pyz", False),
        ("s3:PutObject", "arn:aws:s3:::data/remote/name.tar.gz", True),
        ("s3:PutObject", "arn:aws:s3:::data/projects/churn/runs/1/1/job.log", True),
        ("s3:PutObject", "arn:aws:s3:::data/elsewhere", False),
        ("s3:DeleteObject", "arn:aws:s3:::data/remote/name.tar.gz", False),
        ("s3:PutObject", "arn:aws:s3:::ours/remote/name.tar.gz", True),
        ("s3:PutObject", "arn:aws:s3:::theirs/remote/name.tar.gz", False),
        ("logs:PutLogEvents", ARN.format("logs", f"{LOGS}:remote/i-1/run"), True),
        ("logs:PutLogEvents", ARN.format("logs", f"{LOGS}:acme-testing-ml-churn/x"), False),
        ("sqs:SendMessage", ARN.format("sqs", "acme-testing-batch-events"), True),
        ("sqs:SendMessage", ARN.format("sqs", "acme-testing-runs"), False),
        (
            "secretsmanager:GetSecretValue",
            ARN.format("secretsmanager", "secret:acme/testing/bitbucket-auth/churn-x"),
            True,
        ),
        (
            "secretsmanager:GetSecretValue",
            ARN.format("secretsmanager", "secret:acme/testing/bitbucket-webhook-uuids-x"),
            False,
        ),
        (
            "secretsmanager:GetSecretValue",
            ARN.format("secretsmanager", "secret:acme/production/bitbucket-auth/churn-x"),
            False,
        ),
        ("ec2:TerminateInstances", INSTANCE, False),
        ("iam:PassRole", MACHINE_ROLE, False),
    ],
)
def test_a_machine_reaches_what_its_run_needs_and_nothing_else(
    action: str, resource: str, may: bool
) -> None:
    role = statements("MachineRole", "arn:aws:s3:::ours,arn:aws:s3:::dvc")

    assert allows(role, Asked(action, resource)) is may


def test_a_machine_reaches_no_further_bucket_unless_the_stack_names_one() -> None:
    buckets = {
        resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        for one in statements("MachineRole")
        for resource in listed(one["Resource"])
        if resource.startswith("arn:aws:s3:")
    }

    assert buckets == {"data"}


@pytest.mark.parametrize("action", ENDS)
def test_the_monitor_ends_machines_of_ones_own_and_none_of_batchs(action: str) -> None:
    (statement,) = (s for s in function_of("monitor").statements if action in listed(s["Action"]))
    equal = statement["Condition"]["StringEquals"]

    assert equal == {
        f"aws:ResourceTag/{machine_tags.STACK}": {"Fn::Sub": "${Organization}-${Environment}"},
        f"aws:ResourceTag/{machine_tags.MACHINE}": [machine_tags.CREATED, machine_tags.GIVEN],
    }
    assert set(statement["Condition"]) == {"StringEquals"}
