"""The program's start and end: the secret out of the environment first, an exit code last."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from container import credentials, log
from container.exits import Exit, JobFailed
from container.git import GitFailed
from container.processes import Children, Interrupted, hide_memory
from container.run import run
from container.settings import Job, Settings


def main() -> int:
    """Run the job of the command line; its exit code, see `exits`."""
    log.ready()
    try:
        secret = credentials.take(os.environ)
        hide_memory()
        job, settings = Job.parse(sys.argv[1:]), Settings.read(os.environ)
        _require(secret, settings)
        children = Children()
        children.listen()
        with tempfile.TemporaryDirectory(prefix="cloud-run-") as work:
            return run(job, settings, secret, children, Path(work))
    except JobFailed as failed:
        log.say(f"\n{failed}")
        return failed.code
    except GitFailed as failed:
        log.say(f"\n{failed}")
        return Exit.COMMIT_NOT_PUSHED
    except Interrupted:
        log.say("\ninterrupted by SIGTERM: what was finished is safe, a rerun goes on from there")
        return Exit.INTERRUPTED


def _require(secret: credentials.Credentials | None, settings: Settings) -> None:
    if shutil.which("git") is None:
        raise JobFailed(Exit.NOT_CLONED, "the image has no git: add it to its Dockerfile")
    if secret is None and settings.git_url.startswith("http"):
        raise JobFailed(
            Exit.BAD_SECRET, "BITBUCKET_AUTH is not set: name the secret in the job definition"
        )


if __name__ == "__main__":
    sys.exit(main())
