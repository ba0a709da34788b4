"""The account that the command line works on: whose credentials, which stack, what it gave out.

Credentials come from the ordinary AWS chain (environment, profile, SSO, instance) and from nowhere
else; `AWS_ENDPOINT_URL` and its kin point the same commands at the embedded stack.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
import botocore.exceptions
import click
from botocore.config import Config
from click.core import ParameterSource

from shared.names import Names

ENVIRONMENTS = ("development", "staging", "testing", "production")
# AWS's words for credentials that were good once, or never were (service references, "Common
# errors"; STS for an access key that is not known any more).
_STALE = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_Command = TypeVar("_Command", bound=Callable[..., Any])


class AccountError(click.ClickException):
    """AWS cannot be worked with as things are; the text says why and what to do."""


@dataclass(frozen=True)
class Deployed:
    """The root stack as it stands: its parameters' values and its outputs, by name."""

    stack: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    # CloudFormation's, as UPDATE_COMPLETE.
    status: str = ""

    def output(self, name: str) -> str:
        """An output's value; AccountError if this stack was deployed before there was one."""
        if name not in self.outputs:
            message = f"the stack {self.stack} has no output {name}: deploy it again (make deploy)"
            raise AccountError(message)
        return self.outputs[name]


@dataclass(frozen=True)
class Account:
    """One environment of one organization in one AWS account and region."""

    names: Names
    session: Any = field(repr=False)
    # What `--region` said, which a command that is typed next has to say again.
    given_region: str | None = None

    @property
    def stack(self) -> str:
        """The name of the root stack."""
        return f"{self.names.organization}-{self.names.environment}-cloud-runner"

    @property
    def region(self) -> str:
        """The region of every call."""
        region: str | None = self.session.region_name
        if region is None:
            message = "no AWS region: --region, AWS_REGION, or a region in your AWS profile"
            raise AccountError(message)
        return region

    def client(self, service: str) -> Any:
        """A client of `service`: 10 s to connect, 60 s to answer, 5 tries in all.

        Raises:
            AccountError: the region, the endpoint or the AWS configuration cannot be worked with.

        """
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 5},
        )
        with asking(f"getting ready to call {service}"):
            try:
                return self.session.client(service, region_name=self.region, config=config)
            except ValueError as error:
                # botocore has no error of its own for an endpoint that is no address.
                message = f"{error}: look at AWS_ENDPOINT_URL, and at your AWS profile"
                raise AccountError(message) from error

    def find(self) -> Deployed | None:
        """The root stack, or None if there is none."""
        with asking("describing the stack"):
            return find_stack(self.client("cloudformation"), self.stack)

    def deployed(self) -> Deployed:
        """The root stack; AccountError that says how to deploy it if there is none."""
        found = self.find()
        if found is None:
            organization = self.names.organization
            also = "" if organization == "acme" else f" ORGANIZATION={organization}"
            message = (
                f"there is no stack {self.stack} in {self.region}: make deploy "
                f"ENVIRONMENT={self.names.environment}{also}, or name another --environment"
            )
            raise AccountError(message)
        return found


def find_stack(cloudformation: Any, name: str) -> Deployed | None:
    """A stack that is not deleted, as Deployed; None if there is none of that name."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except botocore.exceptions.ClientError as error:
        # CloudFormation has no code of its own for a stack that does not exist, here alone.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    if stack["StackStatus"] == "DELETE_COMPLETE":
        return None
    return Deployed(
        stack=name,
        parameters={
            one["ParameterKey"]: one.get("ParameterValue", "")
            for one in stack.get("Parameters", [])
        },
        outputs={one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])},
        status=stack["StackStatus"],
    )


@contextmanager
def asking(doing: str) -> Iterator[None]:
    """Turn what AWS refuses while `doing` into AccountError, which says what to do if it can."""
    try:
        yield
    except botocore.exceptions.NoCredentialsError as error:
        message = f"{doing}: no AWS credentials: aws configure, aws sso login, or AWS_PROFILE"
        raise AccountError(message) from error
    except botocore.exceptions.ClientError as error:
        answer = error.response.get("Error", {})
        hint = ": aws sso login, or look at AWS_PROFILE" if answer.get("Code") in _STALE else ""
        message = f"{doing}: {answer.get('Code')}: {answer.get('Message')}{hint}"
        raise AccountError(message) from error
    except botocore.exceptions.BotoCoreError as error:
        message = f"{doing}: {error}"
        raise AccountError(message) from error


def account_options(command: _Command) -> _Command:
    """Click options that name an account, as `--environment`; they give `account: Account`."""

    def make(context: click.Context, _parameter: click.Parameter, environment: str) -> Account:
        organization = context.params.pop("organization")
        profile = context.params.pop("profile")
        region = context.params.pop("region")
        source = context.get_parameter_source("region")
        given = region if source is ParameterSource.COMMANDLINE else None
        with asking("reading your AWS configuration"):
            session: Any = boto3.Session(profile_name=profile, region_name=region)
        return Account(Names(organization, environment), session, given)

    options = (
        click.option(
            "--environment",
            "-e",
            "account",
            type=click.Choice(ENVIRONMENTS),
            default="development",
            envvar="CLOUD_RUNNER_ENVIRONMENT",
            show_default=True,
            show_envvar=True,
            callback=make,
            help="The environment to work on.",
        ),
        click.option(
            "--organization",
            default="acme",
            envvar="CLOUD_RUNNER_ORGANIZATION",
            show_default=True,
            show_envvar=True,
            is_eager=True,
            help="The stack's parameter Organization.",
        ),
        click.option(
            "--profile",
            default=None,
            is_eager=True,
            help="A profile of your AWS configuration, instead of AWS_PROFILE.",
        ),
        click.option(
            "--region",
            default=None,
            # boto3 itself reads AWS_DEFAULT_REGION alone, which comes next, before the profile's.
            envvar="AWS_REGION",
            show_envvar=True,
            is_eager=True,
            help="The AWS region, instead of your profile's.",
        ),
    )
    for option in options:
        command = option(command)
    return command
