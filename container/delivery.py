"""Bringing the results to safety: data to the DVC remote, then the commit to Bitbucket."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from container.exits import Exit, JobFailed
from container.git import Git
from container.log import say
from container.origin import PAUSES, Origin, OriginUnavailable
from container.result import Result
from container.settings import Job, Settings


class PushesData(Protocol):
    """DVC, as far as it is needed here."""

    def push(self) -> bool:
        """Bring all data to the remote; whether it got there."""


class Waits(Protocol):
    """What lets time pass."""

    def pause(self, seconds: float, *, finish: bool = False) -> None:
        """Wait, with `finish` through a SIGTERM as well."""


def deliver_data(dvc: PushesData, waits: Waits) -> None:
    """Push the data, a few times if need be.

    Raises:
        JobFailed: the remote did not take it.
    """
    for pause in PAUSES:
        if dvc.push():
            return
        say(f"pushing data: not possible now, trying again in {pause:g} s")
        waits.pause(pause, finish=True)
    if not dvc.push():
        raise JobFailed(
            Exit.DATA_NOT_PUSHED,
            "pushing data: the DVC remote did not take it, so there is no result commit either",
        )


def deliver(git: Git, origin: Origin, job: Job, settings: Settings) -> Result:
    """Push the head of the clone; where it is now.

    Raises:
        JobFailed: Bitbucket took it nowhere.
    """
    commit = git.must("rev-parse", "HEAD", finish=True).strip()
    courier = _courier(git, settings)
    try:
        if origin.push(courier, commit, job.branch, expected=job.commit):
            return Result(commit, job.branch)
        say(
            f"{job.branch} has moved on meanwhile or may not be pushed to: "
            f"the results go to {job.fallback_branch}"
        )
        if origin.push(courier, commit, job.fallback_branch, expected=""):
            return Result(commit, job.fallback_branch)
    except OriginUnavailable as unavailable:
        raise _nowhere(str(unavailable)) from unavailable
    raise _nowhere(f"{job.fallback_branch} was refused as well")


def _courier(git: Git, settings: Settings) -> Git:
    """A new repository that borrows the clone's objects.

    Stages could write the clone's own configuration, which can name programs that git starts, and
    those would inherit the credentials.
    """
    directory = git.directory.with_name("courier.git")
    git.must("init", "--quiet", "--bare", "--template=", str(directory), finish=True)
    information = directory / "objects" / "info"
    information.mkdir(parents=True, exist_ok=True)
    borrowed = Path(git.directory, ".git", "objects")
    (information / "alternates").write_text(f"{borrowed}\n", encoding="utf-8")
    return Git(git.children, directory, settings)


def _nowhere(why: str) -> JobFailed:
    return JobFailed(
        Exit.COMMIT_NOT_PUSHED,
        f"pushing the result commit: {why}. The data is on the DVC remote with its run cache: "
        "allow the credentials to push, then rerun, and no stage runs twice",
    )
