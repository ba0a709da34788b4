"""What is said of a failure that is no bug of ours, whichever command it ends."""

import subprocess

from botocore.exceptions import BotoCoreError, ClientError

from local.layout import StackError
from shared.bitbucket import NotFound
from shared.errors import Rejected, Unavailable


def said_of(error: Exception) -> str | None:
    """A line for a person; None for a bug."""
    if isinstance(error, StackError | Rejected | Unavailable | NotFound):
        return str(error)
    if isinstance(error, BotoCoreError | ClientError):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if isinstance(error, subprocess.SubprocessError):
        # Without its arguments, which are long, and without its output, which was shown or logged.
        return f"a program that was started failed: {type(error).__name__}"
    return None
