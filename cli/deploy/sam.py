"""SAM's own command, run in the project as whoever the account's session is."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from cli.account import Account, AccountError
from local.layout import PROJECT, Tools

BUILT = PROJECT / ".aws-sam/build"


def build(account: Account, architecture: str) -> None:
    """Build the functions and the layer for Lambda's `architecture`."""
    arguments = ["build", "--parameter-overrides", f"Architecture={architecture}"]
    _run(account, arguments, quiet=True, LAMBDA_ARCHITECTURE=architecture)


def deploy(account: Account, values: Mapping[str, str], *, yes: bool) -> None:
    """Deploy what was built; without `yes`, SAM asks once it shows what would change."""
    overrides = [f"{name}={_quoted(value)}" for name, value in values.items()]
    arguments = [
        *("deploy", "--stack-name", account.stack, "--region", account.region),
        *("--config-env", account.names.environment),
        *("--tags", f"cloud-runner={account.names.organization}-{account.names.environment}"),
        "--no-fail-on-empty-changeset",
        "--no-confirm-changeset" if yes else "--confirm-changeset",
        *("--parameter-overrides", *overrides),
    ]
    _run(account, arguments, quiet=False)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _run(account: Account, arguments: Sequence[str], *, quiet: bool, **variables: str) -> None:
    profile = account.session.profile_name
    named = {} if profile == "default" else {"AWS_PROFILE": profile}
    region = {"AWS_REGION": account.region, "AWS_DEFAULT_REGION": account.region}
    done = subprocess.run(
        [str(Tools().sam), *arguments],
        cwd=PROJECT,
        env=os.environ | named | region | variables | {"SAM_CLI_TELEMETRY": "0"},
        check=False,
        capture_output=quiet,
        text=True,
    )
    if done.returncode != 0:
        said = f":\n{done.stdout}{done.stderr}" if quiet else ": see above"
        message = f"sam {arguments[0]} ended with {done.returncode}{said}"
        raise AccountError(message)
