"""The exit codes of a job, one for each cause; any other code is DVC's own, of a failing stage.

DVC itself ends with 1 and with 251 to 255 (dvc/cli/__init__.py), so its codes and these never meet.
"""

from enum import IntEnum


class Exit(IntEnum):
    """What ended the job."""

    DONE = 0
    BAD_ARGUMENTS = 64
    """The command line, a setting or the arguments of the run cannot be read."""
    BAD_SECRET = 65
    """The Bitbucket credentials are missing or not of the documented form."""
    NOT_CLONED = 66
    """The commit could not be had from Bitbucket."""
    NO_DVC = 67
    """The project's image has no DVC."""
    DATA_NOT_PUSHED = 68
    """The stages ended well, but their data did not reach the DVC remote: no result commit."""
    COMMIT_NOT_PUSHED = 69
    """The data is safe, but Bitbucket took the result commit on no branch."""
    INTERRUPTED = 143
    """SIGTERM: a stop, a timeout or a lost spot machine (128 + 15, as shells count)."""


class JobFailed(Exception):
    """The job cannot go on. The message says what was being done and what to do about it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
