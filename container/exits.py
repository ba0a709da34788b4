"""How the job says that it cannot go on. The exit codes themselves are in `shared.exits`."""

from __future__ import annotations

from shared.exits import Exit

__all__ = ["Exit", "JobFailed"]


class JobFailed(Exception):
    """The job cannot go on. The message says what was being done and what to do about it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
