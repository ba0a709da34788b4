"""How a job's program ends: one exit code for each cause, and the words for the build status.

The job's program ends with them and the monitor reads them, so this is standard library, Python
3.9 and newer. The codes keep clear of DVC's own, 1 and 251 to 255 (dvc/cli/__init__.py), and of the
shells', 126 and more (POSIX, "Exit Status for Commands").
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What ended the job."""

    DONE = 0
    """The results are safe, or the run changed nothing."""
    BAD_ARGUMENTS = 64
    """The command line, a setting or the arguments of the run cannot be read."""
    BAD_SECRET = 65
    """The Bitbucket credentials are missing or not of the documented form."""
    NOT_CLONED = 66
    """The commit could not be had from Bitbucket."""
    NO_DVC = 67
    """Nothing to run: the image lacks DVC, or the project has neither DVC nor a command."""
    DATA_NOT_PUSHED = 68
    """The stages ended well, but their data did not reach the DVC remote: no result commit."""
    COMMIT_NOT_PUSHED = 69
    """The data is safe, but Bitbucket refused the result commit on every branch, or was away."""
    DATA_MISSING = 70
    """Data that the stages need is not on the DVC remote."""
    STAGE_FAILED = 71
    """A stage ended with an error. What finished before it is safe."""
    COMMAND_FAILED = 72
    """The project's own command or its `job-run.sh` ended with an error."""
    OUT_OF_MEMORY = 73
    """A stage or the project's own command was killed for want of memory."""
    STORAGE_FAILED = 74
    """The input could not be fetched from S3, or the output not stored there."""
    INTERNAL = 75
    """A bug of the job's program itself."""
    INTERRUPTED = 143
    """SIGTERM: a stop, a timeout or a lost spot machine (128 + 15, as shells count)."""


_WORDS: dict[int, str] = {
    Exit.BAD_ARGUMENTS: "the run's arguments or a setting cannot be read: "
    "the end of the log says what to write instead",
    Exit.BAD_SECRET: "the Bitbucket credentials are missing or malformed: "
    "mend the secret that the job definition names",
    Exit.NOT_CLONED: "the commit could not be cloned: see that it is still on a branch "
    "and that the credentials may read it",
    Exit.NO_DVC: "nothing to run: the image has no DVC, or the project neither DVC nor a command",
    Exit.DATA_NOT_PUSHED: "the stages are done, but the DVC remote did not take their data: "
    "allow the job role to write there, then rerun",
    Exit.COMMIT_NOT_PUSHED: "the data is safe, but Bitbucket did not take the result commit: "
    "allow the credentials to push, then rerun",
    Exit.DATA_MISSING: "data that the stages need is not on the DVC remote: `dvc push` it, "
    "then rerun",
    Exit.STAGE_FAILED: "a stage failed: its last lines are in the commit's comment",
    Exit.COMMAND_FAILED: "the project's own command failed: "
    "its last lines are in the commit's comment",
    Exit.OUT_OF_MEMORY: "out of memory: ask for more with the MEMORY keyword",
    Exit.STORAGE_FAILED: "the input could not be fetched from S3 or the output not stored there: "
    "check the addresses and what the job role may do",
    Exit.INTERNAL: "a fault of the runner itself: the log ends with it",
    Exit.INTERRUPTED: "interrupted: what was finished is safe, a rerun goes on from there",
}


def words(code: int) -> str | None:
    """What a person reads in the build status, at most 160 characters; None for other codes.

    >>> words(71)
    "a stage failed: its last lines are in the commit's comment"
    >>> words(1), words(0)
    (None, None)
    """
    return _WORDS.get(code)
