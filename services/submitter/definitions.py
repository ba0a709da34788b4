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
        """Whether `name`, or `name:revision`, was active within the last minute."""
        now = self._clock()
        if now - self._seen.get(name, -_KEPT_SECONDS) < _KEPT_SECONDS:
            return True
        # The API takes a revision among names alone, and then no other filter.
        one = {"jobDefinitions": [name]} if ":" in name else {"jobDefinitionName": name}
        active = {} if ":" in name else {"status": "ACTIVE"}
        with calling("describing job definitions"):
            answer = self._batch.describe_job_definitions(**one, **active)
        if not any(found["status"] == "ACTIVE" for found in answer["jobDefinitions"]):
            return False
        self._seen[name] = now
        return True

    def forget(self, name: str) -> None:
        """Ask again the next time: a submission under this name was refused."""
        self._seen.pop(name, None)
