"""Whether a project has a job definition, asked of Batch at most once a minute."""

import time
from collections.abc import Callable
from typing import Any

from shared.aws import calling

_KEPT_SECONDS = 60


class JobDefinitions:
    """The active job definitions, by name.

    That one is missing is never kept: whoever adds the project and runs again is not to wait.
    """

    def __init__(self, batch: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._batch = batch
        self._clock = clock
        self._seen: dict[str, float] = {}

    def exists(self, name: str) -> bool:
        """Whether an active revision of `name` existed within the last minute."""
        now = self._clock()
        if now - self._seen.get(name, -_KEPT_SECONDS) < _KEPT_SECONDS:
            return True
        with calling("describing job definitions"):
            answer = self._batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
        if not answer["jobDefinitions"]:
            return False
        self._seen[name] = now
        return True

    def forget(self, name: str) -> None:
        """Ask again the next time: a submission under this name was refused."""
        self._seen.pop(name, None)
