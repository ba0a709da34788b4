"""What a try becomes on the machine: secrets, and the command line of a container."""

from pathlib import Path

import pytest

from local.batch.container_executor import environment_lines, run_argv
from local.batch.executors import Task
from local.batch.job_secrets import (
    SecretReference,
    SecretUnreadable,
    parse_reference,
    read_secrets,
)
from local.batch.shapes import Secret

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:acme/auth-AbCdEf"


class Source:
    """A source with one secret."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.asked: list[SecretReference] = []

    def read(self, reference: SecretReference) -> str:
        self.asked.append(reference)
        return self._text


@pytest.mark.parametrize(
    ("value_from", "reference"),
    [
        ("acme/auth", SecretReference("acme/auth")),
        ("acme/auth:token::", SecretReference("acme/auth", "token")),
        (ARN, SecretReference(ARN)),
        (f"{ARN}:token::", SecretReference(ARN, "token")),
        (f"{ARN}::AWSPREVIOUS:", SecretReference(ARN, "", "AWSPREVIOUS")),
        (f"{ARN}:token:AWSCURRENT:v1", SecretReference(ARN, "token", "AWSCURRENT", "v1")),
    ],
)
def test_a_reference_names_a_secret_a_key_and_a_version(
    value_from: str, reference: SecretReference
) -> None:
    assert parse_reference(value_from) == reference


def test_a_key_of_a_secret_becomes_the_variable() -> None:
    secrets = (Secret(name="TOKEN", value_from=f"{ARN}:token::"),)

    assert read_secrets(secrets, Source('{"token": "s3cret"}')) == {"TOKEN": "s3cret"}


@pytest.mark.parametrize("text", ['{"other": "s3cret"}', "s3cret", '["s3cret"]'])
def test_a_missing_key_is_told_without_the_secret(text: str) -> None:
    secrets = (Secret(name="TOKEN", value_from=f"{ARN}:token::"),)

    with pytest.raises(SecretUnreadable, match="token") as caught:
        read_secrets(secrets, Source(text))
    assert "s3cret" not in str(caught.value)


def test_no_value_of_a_variable_is_on_a_containers_command_line() -> None:
    task = Task(
        name="batch-1",
        image="acme/train:1",
        command=("run", "--fast"),
        environment={"TOKEN": "s3cret", "KEY": "s3cret\nof two lines"},
        scratch=Path("/scratch"),
        log=Path("/log"),
    )
    argv = run_argv("podman", task, Path("/scratch/environment"))

    assert argv == [
        *("podman", "run", "--rm", "--name=batch-1", "--network=host"),
        *("--env-file=/scratch/environment", "--env=KEY", "acme/train:1", "run", "--fast"),
    ]
    assert environment_lines(task) == "TOKEN=s3cret\n"
