"""container/project.yaml, against what the job, the submitter and the design say."""

import ast
import re
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from container.job import Job
from services.submitter.overrides import submission
from shared.events import Job as BatchJob
from shared.names import Names
from tests.contracts.markdown import code, table
from tests.contracts.wiring import PROJECT, listed, references
from tests.samples import a_run

TEXT = (PROJECT / "container/project.yaml").read_text(encoding="utf-8")
TEMPLATE: dict[str, Any] = yaml_parse(TEXT)
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
DEFINITION = RESOURCES["JobDefinition"]["Properties"]
CONTAINER = DEFINITION["ContainerProperties"]
ROLES = ("ExecutionRole", "JobRole")
# The run that a job is for comes with its submission, or is in the image; a machine of one's own
# tells its job where to work.
OF_THE_RUN = re.compile(r"ACME_|CLOUD_RUNNER_(DIRECTORY|SWEEP)|BITBUCKET_AUTH|GIT_COMMITTER|WANDB_")
# What AWS's own tools read, not the job.
OF_AWS = {"AWS_DEFAULT_REGION"}
# A client's method in the job's copy, and the action that allows it (Amazon S3 user guide, "Policy
# actions"). boto3's transfer manager puts large files in parts, and aborts what failed. DVC 3.67.1
# calls the same and nothing else: recorded from `dvc push` and `dvc pull`, run cache included.
OF_COPIES = {
    "head_object": {"s3:GetObject"},
    "get_paginator": {"s3:ListBucket"},
    "download": {"s3:GetObject"},
    "upload": {"s3:PutObject", "s3:AbortMultipartUpload"},
}


def statements(role: str) -> list[dict[str, Any]]:
    found = []
    for policy in RESOURCES[role]["Properties"]["Policies"]:
        for one in policy["PolicyDocument"]["Statement"]:
            # Those of further buckets are under a condition.
            found.append(one["Fn::If"][1] if "Fn::If" in one else one)  # noqa: PERF401 - reads better
    return found


def environment() -> dict[str, Any]:
    unconditional = (one.get("Fn::If", [None, one])[1] for one in CONTAINER["Environment"])
    return {one["Name"]: one["Value"] for one in unconditional}


PROGRAM = CONTAINER["MountPoints"][0]["Fn::If"][1]


def test_the_command_is_fixed_and_every_value_comes_with_a_submission() -> None:
    names = Names("acme", "testing")
    job = BatchJob(name="job", queue="queue", definition="definition")
    parameters = submission(a_run(), job, names, "ACME", None)["parameters"]
    program, *arguments = CONTAINER["Command"][1:]
    values = [
        parameters[argument.removeprefix("Ref::")] if argument.startswith("Ref::") else argument
        for argument in arguments
    ]

    assert CONTAINER["Command"][0] == "python3"
    assert program.startswith(PROGRAM["ContainerPath"] + "/")
    assert Job.parse([*values[:6], "--commit", "c" * 40, *values[8:]]).repository == "churn-model"
    assert set(parameters) == {
        argument.removeprefix("Ref::") for argument in arguments if argument.startswith("Ref::")
    }


def test_every_setting_that_the_docs_name_is_told_to_the_job() -> None:
    text = (PROJECT / "docs/jobs.md").read_text(encoding="utf-8")
    named = {name for row in table(text, "Variable") for name in code(row[0])}
    expected = {name for name in named if not OF_THE_RUN.match(name)}

    assert set(environment()) - OF_AWS == expected
    assert [one["Name"] for one in CONTAINER["Secrets"][:1]] == ["BITBUCKET_AUTH"]


def test_every_variable_of_the_projects_own_is_given_and_hidden() -> None:
    places = [name for name in TEMPLATE["Parameters"] if re.fullmatch(r"Secret\d", name)]
    given = [one["Fn::If"][1] for one in CONTAINER["Secrets"][1:]]
    hidden = environment()["CLOUD_RUNNER_MASK"]

    assert [one["Name"]["Ref"] for one in given] == places
    assert [one["ValueFrom"]["Fn::Sub"] for one in given] == [
        f"${{SecretsArn}}:${{{name}}}::" for name in places
    ]
    assert set(references(hidden["Fn::Join"][1][:1])) == {places[0]}
    assert [one["Fn::If"][1]["Ref"] for one in hidden["Fn::Join"][1][1:]] == places[1:]


def test_retries_cure_only_what_another_machine_or_moment_cures() -> None:
    rules = DEFINITION["RetryStrategy"]["EvaluateOnExit"]
    patterns = [value for rule in rules for name, value in rule.items() if name != "Action"]

    assert len(rules) <= 5
    assert rules[-1] == {"Action": "EXIT", "OnReason": "*"}
    assert all(rule["Action"] == "RETRY" for rule in rules[:-1])
    # Batch's service model, EvaluateOnExit.
    assert all(re.fullmatch(r"[A-Za-z0-9.:\s]{0,511}\*", pattern) for pattern in patterns)


def test_a_job_is_nobody_special_and_nothing_stands_before_the_program() -> None:
    user = TEMPLATE["Parameters"]["ContainerUser"]

    assert CONTAINER["Privileged"] is False
    assert CONTAINER["LinuxParameters"]["InitProcessEnabled"] is False
    assert re.fullmatch(user["AllowedPattern"], user["Default"])
    assert not re.fullmatch(user["AllowedPattern"], "0:0")
    assert PROGRAM["ReadOnly"] is True


def test_the_job_may_do_with_s3_what_it_does_and_no_more() -> None:
    tree = ast.parse((PROJECT / "container/s3_copy.py").read_text(encoding="utf-8"))
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("client", "manager")
    }
    allowed = {action for one in statements("JobRole") for action in listed(one["Action"])}

    assert called == set(OF_COPIES)
    assert allowed == set().union(*OF_COPIES.values())


def test_the_job_sees_its_own_prefix_of_the_bucket_alone() -> None:
    listing, objects, *_further = statements("JobRole")

    assert listing["Condition"] == {
        # Also where there is none: S3 says that an object is missing only to who may list.
        "StringLikeIfExists": {"s3:prefix": {"Fn::Sub": "projects/${Repository}/*"}}
    }
    assert objects["Resource"]["Fn::Sub"].endswith(":::${DataBucket}/projects/${Repository}/*")
    assert environment()["CLOUD_RUNNER_RESULTS_URI"] == {
        "Fn::Sub": "s3://${DataBucket}/projects/${Repository}/runs"
    }


def test_only_what_starts_the_container_reads_secrets_and_only_these() -> None:
    execution = {
        a: one["Resource"] for one in statements("ExecutionRole") for a in listed(one["Action"])
    }
    job = {action for one in statements("JobRole") for action in listed(one["Action"])}

    assert set(execution) == {
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "secretsmanager:GetSecretValue",
    }
    assert execution["secretsmanager:GetSecretValue"][0] == {"Ref": "AuthSecretArn"}
    assert not any(action.startswith("secretsmanager:") for action in job)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_bounded_for_tasks_alone_and_found_by_its_path(role: str) -> None:
    properties = RESOURCES[role]["Properties"]
    (trusted,) = properties["AssumeRolePolicyDocument"]["Statement"]

    assert properties["PermissionsBoundary"] == {"Ref": "PermissionsBoundaryArn"}
    assert trusted["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    # Nobody tells whether the agent of a machine says for whom it starts a container.
    suffix = "IfExists" if role == "ExecutionRole" else ""
    assert set(trusted["Condition"]) == {f"StringEquals{suffix}", f"ArnLike{suffix}"}
    assert properties["Path"] == {"Fn::Sub": "/${Organization}-${Environment}/project/"}
    assert "RoleName" not in properties


def test_images_outlive_the_stack_and_are_scanned() -> None:
    images = RESOURCES["Images"]

    assert images["DeletionPolicy"] == "RetainExceptOnCreate"
    assert images["Properties"]["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert images["Condition"] == "MakesRepository"


def test_everything_is_tagged_as_jobs_are() -> None:
    tags = Names("${Organization}", "${Environment}").job_tags("slug")
    wanted = {
        "cloud-runner": {"Fn::Sub": tags["cloud-runner"]},
        "repository": {"Ref": "Repository"},
    }

    assert wanted.items() <= DEFINITION["Tags"].items()
    assert DEFINITION["PropagateTags"] is True
    for name in ("Images", *ROLES):
        found = {one["Key"]: one["Value"] for one in RESOURCES[name]["Properties"]["Tags"]}
        assert found == DEFINITION["Tags"]


def test_every_parameter_is_described_used_and_held_to_something() -> None:
    body = {name: part for name, part in TEMPLATE.items() if name != "Parameters"}
    used = set(references(list(body["Resources"].values()))) | set(re.findall(r"\$\{(\w+)\}", TEXT))
    used |= set(references([body["Conditions"], body["Outputs"]]))

    for name, parameter in TEMPLATE["Parameters"].items():
        assert name in used, name
        assert parameter["Description"], name
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter), name
