"""The account that the command line works on: whose credentials, which stack, what it gave out.

Credentials come from the ordinary AWS chain (environment, profile, SSO, instance) and from nowhere
else; `--local` is the embedded stack of this machine, which has its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cli.asking import AccountError, asking
from cli.deployed import Deployed, find_stack
from cli.local_account import DEFAULT_STATE_DIR, STATE_DIR_VARIABLE, LocalStack
from local.layout import StateDir
from shared.names import Names

__all__ = [
    "Account",
    "AccountError",
    "Deployed",
    "account_options",
    "asking",
    "aws_account_options",
    "find_stack",
]

ENVIRONMENTS = ("development", "staging", "testing", "production")
_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Account:
    """One environment of one organization in one AWS account and region."""

    names: Names
    session: Any = field(repr=False)
    # What `--region` said, which a command that is typed next has to say again.
    given_region: str | None = None
    local_stack: LocalStack | None = None

    @property
    def local(self) -> StateDir | None:
        """The state directory of the embedded stack, if the account is its own."""
        return None if self.local_stack is None else self.local_stack.state

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

    def client(self, service: str, *, region: str | None = None) -> Any:
        """A client of `service`: 10 s to connect, 60 s to answer, 5 tries in all.

        `region`: another than the account's, for what answers there alone.

        Raises:
            AccountError: the region, the endpoint or the AWS configuration cannot be worked with.

        """
        from botocore.config import Config  # noqa: PLC0415 - slow to load: not for a Tab

        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 5},
        )
        here = self.local_stack
        where = {} if here is None else {"endpoint_url": here.endpoint(service)}
        with asking(f"getting ready to call {service}"):
            try:
                return self.session.client(
                    service, region_name=region or self.region, config=config, **where
                )
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
            profile, region = self.session.profile_name, self.given_region
            where = f"AWS_PROFILE={profile} " if profile != "default" else ""
            where += f"AWS_REGION={region} " if region is not None else ""
            message = (
                f"there is no stack {self.stack} in {self.region}: {where}make deploy "
                f"ENVIRONMENT={self.names.environment}{also}, or name another --environment, or "
                "--local"
            )
            raise AccountError(message)
        return found


def account_options(command: _Command) -> _Command:
    """Click options that name an account, as `--environment`; they give `account: Account`."""
    return _with(command, (*_AWS, *_LOCAL))


def aws_account_options(command: _Command) -> _Command:
    """The same for what cannot be done to the embedded stack."""
    return _with(command, _AWS)


def _make(context: click.Context, _parameter: click.Parameter, environment: str) -> Account:
    given = context.params
    names = Names(given.pop("organization"), environment)
    profile, region = given.pop("profile"), given.pop("region")
    folder, local = given.pop("state_dir", None), given.pop("local", False)
    typed = partial(_typed, context)
    if local:
        meaningless = [name for name in ("profile", "region") if typed(name)]
        if meaningless:
            message = f"--local has an account of its own: leave out --{meaningless[0]}"
            raise click.UsageError(message)
        found = LocalStack.find(folder, names)
        return Account(names, found.session(), local_stack=found)
    if typed("state_dir"):
        message = "--state-dir is about the embedded stack: add --local"
        raise click.UsageError(message)
    import boto3  # noqa: PLC0415 - slow to load: not for a Tab

    with asking("reading your AWS configuration"):
        session: Any = boto3.Session(profile_name=profile, region_name=region)
    return Account(names, session, region if typed("region") else None)


def _typed(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _with(command: _Command, options: tuple[Callable[[_Command], _Command], ...]) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command


_AWS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--environment",
        "-e",
        "account",
        type=click.Choice(ENVIRONMENTS),
        default="development",
        envvar="CLOUD_RUNNER_ENVIRONMENT",
        show_default=True,
        show_envvar=True,
        callback=_make,
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

_LOCAL: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--local",
        is_flag=True,
        is_eager=True,
        help="The embedded stack of this machine, which `local up` runs, instead of AWS.",
    ),
    click.option(
        "--state-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_STATE_DIR,
        envvar=STATE_DIR_VARIABLE,
        show_default=".cloud-runner/stack, in the project",
        show_envvar=True,
        is_eager=True,
        help="Where the embedded stack keeps its state, with --local.",
    ),
)
