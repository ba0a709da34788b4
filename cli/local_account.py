"""The account of this machine's embedded stack, as `--local` names it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from local.layout import DEFAULT_STATE, StackError, StateDir
from shared.names import Names

# All that it takes to start a stack is slow to load: not for a Tab, and not for an account of AWS.
if TYPE_CHECKING:
    from local.aws import Endpoints

DEFAULT_STATE_DIR = DEFAULT_STATE / "stack"
STATE_DIR_VARIABLE = "CLOUD_RUNNER_STATE_DIR"


@dataclass(frozen=True)
class LocalStack:
    """A running embedded stack: where it keeps its state, and where its services are."""

    state: StateDir
    endpoints: "Endpoints"

    @classmethod
    def find(cls, folder: Path, names: Names) -> "LocalStack":
        """The stack that runs in a state directory.

        Raises:
            click.ClickException: none does.
            click.UsageError: another environment was asked for than it has.

        """
        from local import ready  # noqa: PLC0415 - see above
        from local.projects import NAMES  # noqa: PLC0415 - see above

        if names != NAMES:
            message = (
                f"--local is {NAMES.organization}/{NAMES.environment} and has no "
                f"{names.organization}/{names.environment}: leave out --organization and "
                "--environment (CLOUD_RUNNER_ORGANIZATION, CLOUD_RUNNER_ENVIRONMENT)"
            )
            raise click.UsageError(message)
        state = StateDir(folder.resolve())
        try:
            return cls(state, ready.endpoints(state))
        except StackError as error:
            raise click.ClickException(str(error)) from error

    def session(self) -> Any:
        """A session in the embedded account, of which the user's own settings know nothing."""
        import boto3  # noqa: PLC0415 - see above
        import botocore.session  # noqa: PLC0415 - see above

        from local import aws  # noqa: PLC0415 - see above

        # A profile that the shell names would else be looked for, and its absence be an error.
        nothing: dict[str, tuple[None, None, None, None]] = {"profile": (None, None, None, None)}
        core: Any = botocore.session.Session(session_vars=nothing)
        return boto3.Session(
            aws_access_key_id=aws.ACCOUNT,
            aws_secret_access_key=aws.credentials()["AWS_SECRET_ACCESS_KEY"],
            region_name=aws.REGION,
            botocore_session=core,
        )

    def endpoint(self, service: str) -> str:
        """Where a service is."""
        return self.endpoints.url(service)
