"""A repository joins the embedded stack by the very command by which it joins one in AWS."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.layout import StackError

_SECONDS = 180


def join(full_name: str, credentials: Path, environment: Mapping[str, str], log: Path) -> None:
    """Run `cloud-runner project add` for a repository; what it says goes to `log`.

    `credentials` is a file with those for Bitbucket, `environment` what points to the stack.

    Raises:
        StackError: it could not be added; the text holds what the command said.

    """
    command = ["project", "add", full_name, "--yes", "--credentials-file", str(credentials)]
    with log.open("wb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *command, "--environment", "development"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace")
        message = f"adding {full_name} ended with {done.returncode}:\n{said}"
        raise StackError(message)
