"""`cloud-runner deploy` and `undeploy` on moto's account, with a `sam` that deploys a small stack.

SAM itself is run by the embedded stack; here it is about what is asked of it, and what comes after.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectTimeoutError
from click.testing import CliRunner, Result
from moto import mock_aws

from cli.deploy.retained import retained
from cli.deployed import Deployed
from cli.main import cloud_runner
from local.layout import Tools

STACK = "acme-testing-cloud-runner"
REGION = "eu-west-1"
SHOWN = ("WebhookUrl", "DashboardUrl", "EventBusName", "RunsTableName")
TEMPLATE = {
    "Parameters": {"MaxGpus": {"Type": "Number", "Default": 8}},
    "Resources": {
        "Kept": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain"}
        | {
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            }
        },
        "Gone": {"Type": "AWS::SQS::Queue"},
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate"},
    },
    "Outputs": {name: {"Value": "x"} for name in (*SHOWN, "JobQueueArn", "GpuJobQueueArn")}
    | {"DataBucket": {"Value": {"Ref": "Bucket"}}},
}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def asked_of_sam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `sam` that notes how it was called, and fails when it is told to."""
    log = tmp_path / "asked"
    sam = tmp_path / "sam"
    sam.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"with open({str(log)!r}, 'a') as log:\n"
        "    print(json.dumps([sys.argv[1:], os.environ.get('LAMBDA_ARCHITECTURE')]), file=log)\n"
        f"sys.exit(os.path.exists({str(tmp_path / 'broken')!r}))\n"
    )
    sam.chmod(0o755)
    monkeypatch.setattr("cli.deploy.sam.Tools", lambda: Tools(sam=sam))
    return log


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cloud_runner, [*arguments, "-e", "testing"], input=typed)


def create_stack() -> Any:
    cloudformation = boto3.client("cloudformation", REGION)
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": "MaxGpus", "ParameterValue": "4"}],
    )
    return cloudformation


def stored() -> list[str]:
    s3 = boto3.client("s3", REGION)
    (bucket,) = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in listed]


def answers_about_lambda(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Let GetAccountSettings, which moto does not know, answer this or fail with it."""
    called = vars(BaseClient)["_make_api_call"]  # one that boto3's stubs do not know

    def call(self: Any, operation: str, arguments: Any) -> Any:
        if operation != "GetAccountSettings":
            return called(self, operation, arguments)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


@pytest.mark.usefixtures("account")
def test_a_deployment_builds_deploys_and_stores_the_jobs_program(asked_of_sam: Path) -> None:
    create_stack()

    result = run("deploy", "--yes", "--parameter", "AlarmEmail=ops@example.com")

    assert result.exit_code == 0, result.output
    (build, architecture), (deploy, _) = map(json.loads, asked_of_sam.read_text().splitlines())
    assert (build, architecture) == (
        ["build", "--parameter-overrides", "Architecture=arm64"],
        "arm64",
    )
    assert deploy[:3] == ["deploy", "--stack-name", STACK]
    assert "--no-confirm-changeset" in deploy
    assert {'AlarmEmail="ops@example.com"', 'Environment="testing"'} <= set(deploy)
    # What an earlier deployment chose, and nobody has written down, stays.
    assert 'MaxGpus="4"' in deploy
    assert stored() == ["program/job.pyz", "program/project.yaml"]
    assert "cloud-runner project add WORKSPACE/SLUG -e testing" in result.output
    (release,) = [word for word in deploy if word.startswith("WebhookRelease=")]
    assert re.fullmatch(r'WebhookRelease="[0-9a-f]{64}"', release)


@pytest.mark.usefixtures("account", "asked_of_sam")
def test_the_same_program_is_not_stored_again() -> None:
    create_stack()
    first = run("deploy", "--yes", "--skip-build")
    second = run("deploy", "--yes", "--skip-build")

    assert "job.pyz, project.yaml" in first.output
    assert "it is there already" in second.output


@pytest.mark.usefixtures("account", "asked_of_sam")
@pytest.mark.parametrize(("there", "said"), [(10, True), (44, True), (45, False), (1000, False)])
def test_an_account_that_runs_too_few_functions_at_once_is_told_after_the_deployment(
    monkeypatch: pytest.MonkeyPatch, *, there: int, said: bool
) -> None:
    create_stack()
    answers_about_lambda(monkeypatch, {"AccountLimit": {"ConcurrentExecutions": there}})

    result = run("deploy", "--yes", "--skip-build")

    told = f"Lambda runs {there} functions at once in this account and region, and the stack may"
    assert result.exit_code == 0, result.output
    assert (f"{told} want 45: " in " ".join(result.output.split())) is said
    assert ('docs/operations.md, "Quotas"' in " ".join(result.output.split())) is said


@pytest.mark.usefixtures("account", "asked_of_sam")
@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetAccountSettings"),
        ConnectTimeoutError(endpoint_url="https://lambda.eu-west-1.amazonaws.com"),
    ],
)
def test_a_deployment_goes_well_where_nobody_may_ask_how_many_functions_run_at_once(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    create_stack()
    answers_about_lambda(monkeypatch, error)

    result = run("deploy", "--yes", "--skip-build")

    assert result.exit_code == 0, result.output
    assert "at once" not in result.output


@pytest.mark.usefixtures("account")
def test_a_deployment_that_sam_could_not_do_ends_there(asked_of_sam: Path, tmp_path: Path) -> None:
    create_stack()
    (tmp_path / "broken").touch()

    result = run("deploy", "--yes", "--skip-build")

    assert result.exit_code == 1
    assert "sam deploy ended with 1: see above" in result.output
    assert stored() == []


@pytest.mark.usefixtures("account")
def test_secrets_of_a_deleted_stack_stop_a_new_one_before_it_fails_halfway(
    asked_of_sam: Path,
) -> None:
    first, second = "acme/testing/bitbucket-auth", "acme/testing/bitbucket-webhook-uuids"
    secretsmanager = boto3.client("secretsmanager", REGION)
    for name in (first, second, f"{first}/another"):
        secretsmanager.create_secret(Name=name, SecretString="{}")
    secretsmanager.delete_secret(SecretId=second, RecoveryWindowInDays=7)

    result = run("deploy", "--yes")

    assert result.exit_code == 1
    assert f"--secret-id {first}\n" in result.output
    assert f"--secret-id {second}\n" in result.output
    assert "another" not in result.output
    assert not asked_of_sam.exists()


@pytest.mark.usefixtures("account")
def test_a_deletion_lists_what_is_kept_and_wants_the_name_typed() -> None:
    cloudformation = create_stack()

    refused = run("undeploy", typed="yes\n")
    assert refused.exit_code == 1
    assert "nothing was deleted" in refused.output

    done = run("undeploy", typed=f"{STACK}\n")
    assert done.exit_code == 0, done.output
    assert "aws dynamodb delete-table --table-name" in done.output
    assert "Bucket" in done.output
    assert "Gone" not in done.output
    (stack,) = cloudformation.list_stacks()["StackSummaries"]
    assert stack["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.usefixtures("account")
def test_a_stack_that_projects_need_is_not_deleted() -> None:
    cloudformation = create_stack()
    queue = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    tags = {"cloud-runner": "acme-testing", "workspace": "team", "repository": "churn"}
    cloudformation.create_stack(
        StackName="acme-testing-project-churn",
        TemplateBody=json.dumps(queue),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )

    result = run("undeploy", "--yes")

    assert result.exit_code == 1
    assert "team/churn need this stack" in result.output


@pytest.mark.usefixtures("account")
def test_without_a_stack_a_person_is_told_how_to_deploy_one() -> None:
    result = run("undeploy", "--yes")

    assert result.exit_code == 1
    assert "make deploy ENVIRONMENT=testing" in result.output


def declined(name: str) -> None:
    """A change set that somebody said no to, which SAM leaves."""
    boto3.client("cloudformation", REGION).create_change_set(
        StackName=STACK,
        ChangeSetName=name,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": "MaxGpus", "ParameterValue": "2"}],
    )


@pytest.mark.usefixtures("account", "asked_of_sam")
def test_nothing_more_happens_after_a_no_to_the_change_set(monkeypatch: pytest.MonkeyPatch) -> None:
    create_stack()
    declined("samcli-deploy1")
    monkeypatch.setattr("cli.deploy.sam.deploy", lambda *_, **__: declined("samcli-deploy2"))

    result = run("deploy", "--skip-build")

    assert result.exit_code == 1
    assert "nothing was deployed: the change set samcli-deploy2" in result.output
    assert stored() == []


@pytest.mark.usefixtures("account", "asked_of_sam")
def test_a_no_of_an_earlier_time_keeps_no_later_deployment_from_its_end() -> None:
    create_stack()
    declined("samcli-deploy1")

    result = run("deploy", "--skip-build")

    assert result.exit_code == 0, result.output
    assert stored() == ["program/job.pyz", "program/project.yaml"]


@pytest.mark.usefixtures("account")
def test_a_stack_that_was_never_wholly_made_can_be_deleted() -> None:
    cloudformation = boto3.client("cloudformation", REGION)
    bare = json.dumps({"Resources": TEMPLATE["Resources"]})
    cloudformation.create_stack(StackName=STACK, TemplateBody=bare)

    result = run("undeploy", "--yes")

    assert result.exit_code == 0, result.output
    (stack,) = cloudformation.list_stacks()["StackSummaries"]
    assert stack["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize("answer", [{}, {"TemplateBody": ""}])
def test_a_stack_whose_change_set_nobody_executed_keeps_nothing(answer: dict[str, str]) -> None:
    class CloudFormation:
        def get_template(self, **_: str) -> dict[str, str]:
            return answer

        def get_paginator(self, _operation: str) -> Any:
            return self

        def paginate(self, **_: str) -> list[dict[str, list[Any]]]:
            return [{"StackResourceSummaries": []}]

    assert list(retained(CloudFormation(), STACK)) == []


@pytest.mark.usefixtures("account", "asked_of_sam")
@pytest.mark.parametrize("status", ["CREATE_FAILED", "ROLLBACK_FAILED"])
def test_a_deployment_over_one_that_was_half_made_says_how_to_be_rid_of_that(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    create_stack()
    found = Deployed(STACK, {}, {}, status)
    monkeypatch.setattr("cli.account.Account.find", lambda _self: found)

    result = run("deploy", "--skip-build")

    assert result.exit_code == 1
    assert "cloud-runner undeploy -e testing, which deletes what there is" in result.output


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "give CacheDirectory, as a directory that they have, or empty for none"),
        (["CacheDirectory=", "ProgramDirectory="], "give --parameter FairShare=false"),
    ],
)
def test_an_existing_queue_that_would_refuse_every_run_is_refused_first(
    asked_of_sam: Path, more: list[str], said: str
) -> None:
    create_stack()
    batch = boto3.client("batch", REGION)
    environment = batch.create_compute_environment(
        computeEnvironmentName="theirs", type="UNMANAGED", serviceRole=service_role()
    )["computeEnvironmentArn"]
    order = [{"order": 1, "computeEnvironment": environment}]
    queue = batch.create_job_queue(
        jobQueueName="q", state="ENABLED", priority=1, computeEnvironmentOrder=order
    )
    given = [f"ExistingJobQueueArn={queue['jobQueueArn']}", *more]

    result = run("deploy", "--yes", *(word for one in given for word in ("--parameter", one)))

    assert result.exit_code == 1
    assert said in result.output
    assert not asked_of_sam.exists()


def service_role() -> str:
    arn: str = boto3.client("iam", REGION).create_role(
        RoleName="batch", AssumeRolePolicyDocument="{}"
    )["Role"]["Arn"]
    return arn
