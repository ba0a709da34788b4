"""The command line on an account of moto's: its stacks, and the commands as people type them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import click
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from shared.names import Names
from tests.fakes import refusal
from tests.samples import REGION

ROOT = "acme-development-cloud-runner"
# What a command takes for the stack where nobody names one.
NAMES = Names("acme", "development")


@dataclass
class Stacks:
    """CloudFormation, as far as it tells of stacks: moto's needs packages of its own."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def deploy(
        self, name: str, outputs: dict[str, str], parameters: dict[str, str] | None = None
    ) -> None:
        """A stack as it is once it is deployed."""
        self.found[name] = {
            "StackName": name,
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
            "Parameters": [
                {"ParameterKey": k, "ParameterValue": v} for k, v in (parameters or {}).items()
            ],
        }

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """A stack, or CloudFormation's words for none."""
        if StackName not in self.found:
            raise refusal("ValidationError", 400, "DescribeStacks")
        return {"Stacks": [self.found[StackName]]}


@dataclass
class Here:
    """An account: its stacks, clients for its services, and the commands that work on it."""

    stacks: Stacks
    session: Any
    profile_name: str = "default"
    region_name: str = REGION
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **settings: Any) -> Any:
        """A client, as boto3's session makes it; `clients` has those that a test put there."""
        if service == "cloudformation":
            return self.stacks
        return self.clients.get(service) or self.session.client(service, **settings)

    def run(self, group: click.Command, *words: str, answers: str = "") -> Result:
        """Type a command; an error that is no message for people rises."""
        result = CliRunner().invoke(group, words, input=answers)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result


@contextmanager
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """An empty account of moto's, which every command finds."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "CLOUD_RUNNER_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        session = boto3.Session(region_name=REGION)
        here = Here(Stacks(), session)
        made: Callable[..., Here] = lambda **_: here  # noqa: E731 - a name for its type
        monkeypatch.setattr("boto3.Session", made)
        yield here
