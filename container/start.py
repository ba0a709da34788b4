"""The program's start and end: what it is told, what it works with, and an exit code last."""

from __future__ import annotations

# Python loads it when an address is first looked up. By then a stage may have written another one,
# where Python is the job's user's own, and it would run among the credentials.
import encodings.idna  # noqa: F401 - see above
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from container import actions, log, publish, scripts
from container.credentials import Credentials
from container.exits import Exit, JobFailed
from container.job import Job
from container.kernel import hide_memory
from container.log import say
from container.masking import Masks, secrets_in
from container.oauth import Passwords, basic
from container.point_run import PointRun
from container.processes import Children, Interrupted
from container.run import run
from container.settings import Settings
from container.stages import Stages
from container.work import Work

_AS_ROOT = "install it as root, in a folder that the job's user cannot write to"


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
        masks.add(*secrets_in(os.environ))
        job, settings = Job.parse(sys.argv[1:]), Settings.read(os.environ)
    except JobFailed as failed:
        say(masks.hide(str(failed)))
        return failed.code
    passwords, refused = _credentials(text, settings, masks)
    if refused and settings.point is None:
        say(masks.hide(str(refused)))
        return refused.code
    try:
        directory = _directory(settings)
    except JobFailed as failed:
        say(masks.hide(str(failed)))
        return failed.code
    children = Children(stop_seconds=settings.stop_seconds)
    children.listen()
    copy = directory / "job.log"
    try:
        with log.flowing(masks, copy, stages.hear):
            work = Work(
                job=job,
                settings=settings,
                passwords=passwords,
                children=children,
                masks=masks,
                stages=stages,
                directory=directory,
                started=started,
            )
            for program in work.git.programs.exposed:
                say(f"a stage could replace {program}, and so get the credentials: {_AS_ROOT}")
            if settings.point is None:
                code, _ = _ended(lambda: run(work))
                work.clear()
                publish.store_log(work, copy)
            else:
                code = _point(PointRun(work, settings.point), work, copy, refused)
    finally:
        if not settings.directory:
            # A stage may have left what cannot be removed; the container goes anyway.
            shutil.rmtree(directory, ignore_errors=True)
    return code


def _directory(settings: Settings) -> Path:
    """The job's own directory, which is empty.

    Raises:
        JobFailed: it cannot be made.
    """
    if not settings.directory:
        return Path(tempfile.mkdtemp(prefix="cloud-run-"))
    directory = Path(settings.directory)
    # Of a job before this one on the same machine.
    shutil.rmtree(directory, ignore_errors=True)
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        why = f"{settings.directory!r}: {error.strerror}: name a directory that can be made"
        raise JobFailed(Exit.BAD_ARGUMENTS, f"reading CLOUD_RUNNER_DIRECTORY: {why}") from error
    return directory


def _point(point: PointRun, work: Work, copy: Path, refused: JobFailed | None) -> int:
    """A point's watchers see its result alone, so it tells what is wrong with the job as well."""

    def run_it() -> None:
        if refused:
            raise refused
        point.run()

    code, reason = _ended(run_it)
    work.clear()
    return point.end(copy, code, reason)


def _ended(run_it: Callable[[], None]) -> tuple[int, str]:
    """The exit code, and why it is not 0."""
    try:
        run_it()
    except JobFailed as failed:
        say(str(failed))
        return failed.code, str(failed)
    except Interrupted:
        say("interrupted by SIGTERM: what was finished is safe, a rerun goes on from there")
        return Exit.INTERRUPTED, "interrupted"
    except Exception as error:  # noqa: BLE001 - the log must show it, and the code that it is a bug
        traceback.print_exc()
        return Exit.INTERNAL, f"a fault of the runner: {type(error).__name__}: {error}"
    return Exit.DONE, ""


def _credentials(
    text: str | None, settings: Settings, masks: Masks
) -> tuple[Passwords | None, JobFailed | None]:
    """How to speak to Bitbucket, or why that is not possible."""
    try:
        secret = None if text is None else Credentials.parse(text)
        _require(secret, settings)
    except JobFailed as failed:
        return None, failed
    return (None if secret is None else _passwords(secret, settings, masks)), None


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
