"""Bringing the results to safety: data to the DVC remote, then the commit to Bitbucket.

Both are tried for as long as the job may last. A machine that waits costs little beside results
that are lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from container import lfs
from container.courier import Courier
from container.exits import Exit, JobFailed
from container.git import Git
from container.job import Job
from container.log import say
from container.origin import Origin
from container.origin_calls import OriginRefused, OriginUnavailable
from container.patience import pauses
from container.processes import Interrupted
from container.result import Result

_BRANCH = "refs/heads/"


class PushesData(Protocol):
    """DVC, as far as it is needed here."""

    def push(self) -> bool:
        """Bring all data to the remote; whether it got there."""


class Waits(Protocol):
    """What lets time pass."""

    @property
    def interrupted(self) -> bool:
        """Whether there is no time to wait any more."""

    def pause(self, seconds: float, *, finish: bool = False) -> None:
        """Wait, with `finish` through a SIGTERM as well."""


class CommitNotPushed(JobFailed):
    """The result commit is in the clone, and Bitbucket has it nowhere."""


@dataclass(frozen=True)
class Target:
    """Where a result commit is to go: a branch of Bitbucket that is still at `expected`.

    "" stands for a branch that is not there yet.
    """

    branch: str
    expected: str = ""


def deliver_data(dvc: PushesData, waits: Waits, until: float) -> None:
    """Push the data, again and again if need be.

    Raises:
        JobFailed: the remote did not take it.
    """
    for pause in pauses(until):
        if dvc.push():
            return
        if waits.interrupted:
            break
        say(f"pushing data: not possible now, trying again in {pause:g} s")
        waits.pause(pause, finish=True)
    if not dvc.push():
        raise JobFailed(
            Exit.DATA_NOT_PUSHED,
            "pushing data: the DVC remote did not take it, so there is no result commit either",
        )


@dataclass(frozen=True)
class Delivery:
    """How commits of the clone get to Bitbucket."""

    git: Git
    origin: Origin
    job: Job
    until: float
    note: Callable[[str], None]
    """Takes a sentence that the reader of the report must see."""

    def deliver(self, commit: str, target: Target) -> Result:
        """Push a commit of the clone to its target, or beside it; where it is now.

        Raises:
            CommitNotPushed: Bitbucket took it nowhere.
        """
        beside = self.job.results_branch
        try:
            lfs.push(self.git, self.origin, commit, pauses(self.until))
            if self._push_on(commit, target):
                return Result(commit, target.branch)
            if self._push(commit, beside, ""):
                self.note(f"{self._why(commit, target)}: the results are on {beside}")
                return Result(commit, beside)
        except (OriginUnavailable, OriginRefused) as failed:
            raise _nowhere(str(failed)) from failed
        raise _nowhere(f"{target.branch} and {beside} were refused")

    def _push_on(self, commit: str, target: Target) -> bool:
        """Push to the target, never so that it loses a commit."""
        if target.expected and not self.git.follows(commit, target.expected):
            return False
        return self._push(commit, target.branch, target.expected)

    def share_experiment(self, ref: str, commit: str) -> bool:
        """Do what `dvc exp push` does with an experiment's ref; whether Bitbucket has it now.

        Without starting DVC, which would need the credentials for it.
        """
        try:
            return self._push_to(ref, commit, "")
        except (OriginUnavailable, OriginRefused) as failed:
            say(str(failed))
            return False

    def _why(self, commit: str, target: Target) -> str:
        """Why a branch has not got the commit."""
        if target.expected and not self.git.follows(commit, target.expected):
            return f"The run has rewritten commits of {target.branch}"
        if not target.expected:
            return f"{target.branch} exists already, or a name in the way"
        try:
            found = self.origin.heads(Courier(self.git), target.branch, pauses=())
        except (OriginUnavailable, OriginRefused, Interrupted):
            return f"{target.branch} has moved on or is protected"
        now = found.get(target.branch, "")
        if now == target.expected:
            return f"{target.branch} is protected from these credentials"
        return f"{target.branch} {'has moved on' if now else 'is gone'} meanwhile"

    def _push(self, commit: str, branch: str, expected: str) -> bool:
        return self._push_to(f"{_BRANCH}{branch}", commit, expected)

    def _push_to(self, ref: str, commit: str, expected: str) -> bool:
        courier = Courier(self.git)
        return self.origin.push(courier, commit, ref, expected, self.until)


def _nowhere(why: str) -> CommitNotPushed:
    return CommitNotPushed(
        Exit.COMMIT_NOT_PUSHED,
        f"pushing the result commit: {why}. The data is on the DVC remote with its run cache: "
        "see that the credentials may push, then rerun, and no stage runs twice",
    )
