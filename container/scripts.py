"""A project's own job-run.sh and diff-report.sh, and the defaults that these may call.

The contract that such scripts rely on: they stand executable at the project's root, find the
defaults on their PATH and in `ACME_RUNNER_SCRIPTS_DIR`, the run's arguments in `ACME_RUN_ARGS` and
`ACME_RUN_EXP`, and can say `git push` without a credential in sight. `diff-report.sh BASE HEAD
--all` prints a comment.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from container.job import Job
from container.settings import Settings

RUN = "job-run.sh"
REPORT = "diff-report.sh"
_LOOPBACK = "127.0.0.1,localhost"
# What the defaults tell our program to do.
ACTIONS = {RUN: "run-stages", REPORT: "diff-report"}


def has_own(project: Path, name: str) -> bool:
    """Whether a project replaces one of the scripts."""
    return os.access(project / name, os.X_OK) and (project / name).is_file()


def environment(
    settings: Settings, inherited: Mapping[str, str], directory: Path
) -> dict[str, str]:
    """What a script finds; the defaults are written to a folder of `directory`."""
    folder = directory / "scripts"
    folder.mkdir(exist_ok=True)
    for name, action in ACTIONS.items():
        words = [sys.executable, *_program(), action]
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return {
        **inherited,
        f"{settings.prefix}_RUNNER_SCRIPTS_DIR": str(folder),
        "PATH": f"{folder}{os.pathsep}{inherited.get('PATH', os.defpath)}",
    }


def again(job: Job, settings: Settings) -> dict[str, str]:
    """What tells `job-run.sh`, at the same commit again, that an earlier try may have pushed.

    No result of that try tells it: its own commits have none of a result's trailers.
    """
    first = settings.try_number == 1 and job.attempt == "1"
    return {} if first else {"CLOUD_RUNNER_RETRY": "1"}


def pushing(way: str, origin: str) -> dict[str, str]:
    """Git's configuration that leads what is meant for Bitbucket through the gateway."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{way}.insteadOf",
        "GIT_CONFIG_VALUE_0": origin,
        # The image's proxy knows nothing of this machine's loopback.
        "no_proxy": _LOOPBACK,
        "NO_PROXY": _LOOPBACK,
    }


def _program() -> list[str]:
    """How this program is started: as one file."""
    archive = Path(__file__).resolve().parent.parent
    return [str(archive)]
