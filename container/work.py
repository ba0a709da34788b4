"""What one job works with, from its clone to its report."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from container import interpreter
from container.dvc import Dvc
from container.git import Git
from container.job import Job
from container.leftovers import StillRunning, end_leftovers
from container.log import say
from container.machine import console_address
from container.masking import Masks
from container.oauth import Passwords
from container.origin import Origin
from container.patience import deadline
from container.processes import Children, Ended
from container.s3 import S3
from container.settings import Settings
from container.stages import Stages


@dataclass
class Work:
    """One job at work. `directory` is its own, empty at first; `started` a `time.monotonic()`."""

    job: Job
    settings: Settings
    passwords: Passwords | None
    children: Children
    masks: Masks
    stages: Stages
    directory: Path
    started: float
    notes: list[str] = field(default_factory=list)
    """Sentences that the reader of the report must see."""

    def __post_init__(self) -> None:
        """Make the tools; nothing is started yet."""
        self.project.mkdir()
        self.git = Git(self.children, self.project, self.settings)
        self.dvc = Dvc(self.children, self.project, self.settings)
        self.origin = Origin.of(self.job, self.settings, self.passwords)
        self.s3 = S3(self.run_beside, interpreter.with_boto3())
        self.log_address = console_address(os.environ)

    @property
    def project(self) -> Path:
        """The clone."""
        return self.directory / "project"

    @cached_property
    def until(self) -> float:
        """Until when to try to deliver the results, told from when this is first asked."""
        return deadline(self.settings, self.started, time.monotonic())

    def run_beside(
        self,
        command: Sequence[str],
        directory: Path | None = None,
        *,
        until: float = math.inf,
        most: float = math.inf,
    ) -> Ended:
        """Run a program of ours in the environment of the project's, and read what it says.

        It outlives a SIGTERM: what it does is part of bringing results to safety. `until` and
        `most` are those of `Children.run`.
        """
        return self.children.run(
            command,
            directory=directory or self.directory,
            environment=self.dvc.environment,
            finish=True,
            read=True,
            until=until,
            most=most,
        )

    def s3_until(self, until: float) -> S3:
        """S3, whose calls end at a time, a `time.monotonic()`, at the latest."""
        return S3(partial(self.run_beside, until=until), interpreter.with_boto3())

    def note(self, sentence: str) -> None:
        """Tell the log now, and the report's reader later."""
        say(sentence)
        self.notes.append(sentence)

    def clear(self) -> None:
        """End what the project's programs have left running.

        Nobody but us may run once git holds credentials again.
        """
        try:
            left = end_leftovers()
        except StillRunning as running:
            say(str(running))
            return
        if left:
            say(f"ended {left} processes that the stages had left running")
