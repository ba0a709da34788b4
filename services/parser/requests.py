"""What run a pushed commit asks for, if any."""

import re
from datetime import datetime

from services.parser.keywords import Limits, read
from shared.errors import Rejected
from shared.events import Asked, CommitPushed, RunId
from shared.runs import Run, commit_run_id, new_run

# The trailers of a result commit of ours: no run may start another.
_TRAILERS = (
    re.compile(r"^Cloud-Run-Id: \S+", re.MULTILINE),
    re.compile(r"^Cloud-Run-Attempt: \d+", re.MULTILINE),
)


def request(pushed: CommitPushed, prefix: str, limits: Limits, now: datetime) -> Run | None:
    """The new record that the commit asks for, `requested` or `rejected`; None if it asks none."""
    if _is_result(pushed.message):
        return None
    run_id = commit_run_id(pushed.repository.uuid, pushed.branch, pushed.commit)
    asked, rejection = _asked(pushed, prefix, limits, run_id)
    if asked is None and rejection is None:
        return None
    return new_run(
        run_id,
        asked or Asked(),
        now,
        repository=pushed.repository,
        branch=pushed.branch,
        commit=pushed.commit,
        pushed_by=pushed.pushed_by,
        rejection=rejection,
    )


def _asked(
    pushed: CommitPushed, prefix: str, limits: Limits, run_id: RunId
) -> tuple[Asked | None, str | None]:
    """What the message asks for, or why that cannot be told; neither where it asks for nothing."""
    if pushed.keywords_cut:
        return None, "the commit message is too long to be read whole: put the keywords first"
    try:
        return read(pushed.message, prefix, limits, run_id), None
    except Rejected as problem:
        return None, str(problem)


def _is_result(message: str) -> bool:
    """Whether the message is a result commit's: its last paragraph holds both trailers.

    A squash merge has the messages of all its commits; that one of them was a result is no reason
    to pass over what the others ask for.
    """
    last_paragraph = message.replace("\r\n", "\n").rstrip().rpartition("\n\n")[2]
    return all(trailer.search(last_paragraph) for trailer in _TRAILERS)
