"""A repository joins the embedded stack by the very command by which it joins one in AWS."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local import aws
from local.layout import StackError
from local.projects import NAMES

_SECONDS = 180


def join(full_name: str, credentials: Path, environment: Mapping[str, str], log: Path) -> None:
    """Run `cloud-runner project add` for a repository; what it says goes to `log`.

    `credentials` is a file with those for Bitbucket, `environment` what points to the stack.
    Nothing else of the user's own account or settings reaches the command.

    Raises:
        StackError: it could not be added, or not in time; the text holds what the command said, or
            names `log`.

    """
    command = ["project", "add", full_name, "--yes", "--credentials-file", str(credentials)]
    account = ["--environment", NAMES.environment, "--organization", NAMES.organization]
    clean = {**aws.clean_environment(), **environment}
    try:
        with log.open("wb") as stream:
            done = subprocess.run(
                [sys.executable, "-m", "cli", *command, *account],
                env={k: v for k, v in clean.items() if not k.startswith("CLOUD_RUNNER_")},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        message = f"adding {full_name} did not end within {_SECONDS} s: see {log}"
        raise StackError(message) from error
    if done.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace")
        message = f"adding {full_name} ended with {done.returncode}:\n{said}"
        raise StackError(message)
