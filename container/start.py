"""The program's start and end: what it is told, what it works with, and an exit code last."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from container import actions, log, publish, scripts
from container.credentials import Credentials
from container.exits import Exit, JobFailed
from container.log import say
from container.masking import Masks, secrets_in
from container.oauth import Passwords, basic
from container.processes import Children, Interrupted, hide_memory
from container.run import run
from container.settings import Job, Settings
from container.stages import Stages
from container.work import Work


def start(text: str | None) -> int:
    """Run the job of the command line, or what a script of the project's asks for; an exit code.

    `text` is the secret that was in the environment.
    """
    if sys.argv[1:2] and sys.argv[1] in scripts.ACTIONS.values():
        return actions.act(sys.argv[1], sys.argv[2:])
    started = time.monotonic()
    log.ready()
    masks, stages = Masks(), Stages()
    try:
        hide_memory()
        secret = None if text is None else Credentials.parse(text)
        masks.add(*secrets_in(os.environ))
        job, settings = Job.parse(sys.argv[1:]), Settings.read(os.environ)
        _require(secret, settings)
    except JobFailed as failed:
        say(masks.hide(str(failed)))
        return failed.code
    passwords = None if secret is None else _passwords(secret, settings, masks)
    children = Children(stop_seconds=settings.stop_seconds)
    children.listen()
    directory = Path(tempfile.mkdtemp(prefix="cloud-run-"))
    copy = directory / "job.log"
    try:
        with log.flowing(masks, copy, stages.hear):
            at = Work(
                job=job,
                settings=settings,
                passwords=passwords,
                children=children,
                masks=masks,
                stages=stages,
                directory=directory,
                started=started,
            )
            code = _code(at)
            at.clear()
            publish.store_log(at, copy)
    finally:
        # A stage may have left what cannot be removed; the container goes anyway.
        shutil.rmtree(directory, ignore_errors=True)
    return code


def _code(work: Work) -> int:
    try:
        run(work)
    except JobFailed as failed:
        say(str(failed))
        return failed.code
    except Interrupted:
        say("interrupted by SIGTERM: what was finished is safe, a rerun goes on from there")
        return Exit.INTERRUPTED
    except Exception:  # noqa: BLE001 - the log must show it, and the code that it is a bug
        traceback.print_exc()
        return Exit.INTERNAL
    return Exit.DONE


def _passwords(secret: Credentials, settings: Settings, masks: Masks) -> Passwords:
    def hide(token: str) -> None:
        masks.add(token, basic(secret.git_user, token), basic(secret.user, token))

    hide(secret.token)
    return Passwords(secret, settings.git_url, hide)


def _require(secret: Credentials | None, settings: Settings) -> None:
    if shutil.which("git") is None:
        raise JobFailed(Exit.NOT_CLONED, "the image has no git: add it to its Dockerfile")
    if secret is None and settings.git_url.startswith("http"):
        raise JobFailed(
            Exit.BAD_SECRET, "BITBUCKET_AUTH is not set: name the secret in the job definition"
        )
