"""Somebody who pushes, and pushes again until Bitbucket has it."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.bitbucket.client import Client
from tests.chaos.plan import PlannedPush

_GIT_SECONDS = 300
# Longer than Bitbucket is ever down at a stretch, and than it takes to start on a busy machine.
_PATIENCE_SECONDS = 900
_PAUSE_SECONDS = 0.5
# Runs that wait for a redrive are never done before it: nobody is held back for ever.
_HELD_BACK_SECONDS = 10


@dataclass(frozen=True)
class Pushed:
    """A push that Bitbucket has: the commit that asks for a run, and one that asks for nothing."""

    repository: str
    branch: str
    commit: str
    beside: tuple[str, str] | None


class GitFailed(Exception):
    """git cannot do what it was asked to; the text is its own."""


class Pusher:
    """One person with a clone of each repository, who waits a while if the stack `is_full`."""

    def __init__(self, bitbucket: Client, folder: Path, is_full: Callable[[], bool]) -> None:
        self._bitbucket = bitbucket
        self._folder = folder
        self._is_full = is_full
        self.done: list[Pushed] = []

    def begin(self, repositories: Sequence[str]) -> None:
        """Make the clones, each with a first commit that is never pushed by itself."""
        for full_name in repositories:
            clone = self._clone(full_name)
            clone.mkdir(parents=True)
            self._git(clone, "init", "--quiet", "--initial-branch=main")
            self._git(clone, "remote", "add", "origin", self._bitbucket.plain_git_url(full_name))
            self._commit(clone, "Begin\n")

    def push_all(self, plan: Sequence[PlannedPush], ending: threading.Event) -> None:
        """Make every push of the plan, or as many as there are before `ending`."""
        for one in plan:
            if ending.wait(one.pause):
                return
            until = time.monotonic() + _HELD_BACK_SECONDS
            while self._is_full() and time.monotonic() < until and not ending.wait(_PAUSE_SECONDS):
                pass
            self.done.append(self._push(one, ending))

    def _push(self, planned: PlannedPush, ending: threading.Event) -> Pushed:
        clone = self._clone(planned.repository)
        beside = None
        if planned.beside is not None:
            beside = (planned.beside, self._commit_on(clone, planned.beside, "Only notes\n"))
        commit = self._commit_on(clone, planned.branch, planned.message)
        branches = [planned.branch, *([planned.beside] if planned.beside is not None else [])]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            done = self._run(clone, "push", "--quiet", "origin", *branches)
            if done.returncode == 0:
                return Pushed(planned.repository, planned.branch, commit, beside)
            if time.monotonic() > deadline or ending.wait(_PAUSE_SECONDS):
                raise GitFailed(f"pushing {planned.branch}: {done.stderr.strip()}")

    def _clone(self, full_name: str) -> Path:
        return self._folder / full_name.rpartition("/")[2]

    def _commit_on(self, clone: Path, branch: str, message: str) -> str:
        self._git(clone, "checkout", "--quiet", "-B", branch, "main")
        return self._commit(clone, message)

    def _commit(self, clone: Path, message: str) -> str:
        someone = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com")
        how = ("--quiet", "--allow-empty", "--cleanup=verbatim", "--message", message)
        self._git(clone, *someone, "commit", *how)
        return self._git(clone, "rev-parse", "HEAD")

    def _git(self, clone: Path, *arguments: str) -> str:
        done = self._run(clone, *arguments)
        if done.returncode != 0:
            raise GitFailed(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _run(self, clone: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["git", *arguments],
            cwd=clone,
            env=self._bitbucket.git_environment(),
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
