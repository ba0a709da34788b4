"""What `remote` and the program on a machine call of AWS, read from their code, and are allowed."""

import ast
from collections.abc import Iterator
from functools import cache

import botocore.session
from botocore import xform_name

from tests.contracts.recorded_calls import Call
from tests.contracts.remote_stack import allowed_actions
from tests.contracts.sources import modules

# What S3's clients have besides the operations of its API.
TRANSFERS = {
    "download_file": "GetObject",
    "download_fileobj": "GetObject",
    "upload_file": "PutObject",
    "upload_fileobj": "PutObject",
}
# Nobody calls these: a launch needs them, of a profile, or as an account's first on spot.
OF_A_LAUNCH = {"iam:PassRole", "iam:CreateServiceLinkedRole"}
# People fetch what a machine has left behind, with whatever they like.
OF_PEOPLE = {"s3:GetObject"}
# Systems Manager's agent is on the machine, and none of ours.
OF_THEIR_AGENT = ("ssm:", "ssmmessages:", "ec2messages:")
# docker, after `ecr:GetAuthorizationToken`: ECR user guide, "Repository policy examples".
OF_A_PULL = {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
# The job of a project, as container/project.yaml allows it on its own.
OF_A_JOB = {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"}


@cache
def _operations(service: str) -> dict[str, str]:
    """The operations of a service by the names of a client's methods."""
    model = botocore.session.get_session().get_service_model(service)
    named = {xform_name(name): name for name in model.operation_names}
    return named | (TRANSFERS if service == "s3" else {})


def _called(package: str, *services: str) -> set[str]:
    """The IAM actions of what a package's code names of these services' clients."""
    return {
        action
        for name in _names(package)
        for service in services
        if name in _operations(service)
        for action in Call(service, _operations(service)[name]).actions
    }


def _names(package: str) -> Iterator[str]:
    for one in modules(package.partition(".")[0]):
        if one.name.startswith(package):
            for node in ast.walk(one.tree):
                if isinstance(node, ast.Attribute):
                    yield node.attr
                elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("paginator"):
                    yield str(ast.literal_eval(node.args[0]))


def test_the_policy_of_people_allows_what_remote_calls_and_no_more() -> None:
    called = _called("cli.remote", "ec2", "ssm", "pricing")

    assert called | OF_A_LAUNCH | OF_PEOPLE == allowed_actions("RemotePolicy")


def test_the_role_of_a_machine_allows_what_runs_on_it_calls_and_no_more() -> None:
    called = _called("container.agent", "ecr", "logs", "s3", "secretsmanager", "sqs")
    allowed = {
        action for action in allowed_actions("MachineRole") if not action.startswith(OF_THEIR_AGENT)
    }

    assert called | OF_A_PULL | OF_A_JOB == allowed
