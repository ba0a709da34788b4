"""SAM's own command, run to its end, tied to this process like every part of the stack."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local import tether
from local.aws import clean_environment
from local.layout import StackError, Tools

_TIMEOUT_SECONDS = 600


def sam(
    tools: Tools, arguments: Sequence[str], *, cwd: Path, log: Path, env: Mapping[str, str]
) -> None:
    """Run `sam` with `arguments`; what it says goes to `log`.

    Raises:
        StackError: it failed; the text holds what it said.

    """
    with log.open("wb") as stream:
        process = tether.start(
            [str(tools.sam), *arguments],
            env={**clean_environment(), **env},
            cwd=cwd,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        code = process.wait(_TIMEOUT_SECONDS)
    finally:
        if process.stdin is not None:
            process.stdin.close()  # which ends it, should it still run
    if code != 0:
        message = f"sam {arguments[0]} ended with {code}:\n{log.read_text(errors='replace')}"
        raise StackError(message)
