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
# What says that a message has those of other commits in it: Bitbucket lists them with asterisks
# below "Merged in feature (pull request #3)", git below "Squashed commit of the following:". No
# line of a result commit of ours begins so.
_LISTS_OTHERS = re.compile(r"\A(?:Merged in|Merge|Squashed commit of) |^\* ", re.MULTILINE)


def request(
    pushed: CommitPushed, stack: str, prefix: str, limits: Limits, now: datetime
) -> Run | None:
    """The new record that the commit asks for, `requested` or `rejected`; None if it asks none."""
    if _is_result(pushed.message):
        return None
    run_id = commit_run_id(stack, pushed.repository.uuid, pushed.branch, pushed.commit)
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
    """What the message asks for, or why it gets no run; neither where it asks for nothing."""
    if pushed.keywords_cut:
        return None, "the commit message is too long to be read whole: put the keywords first"
    try:
        asked = read(pushed.message, prefix, limits, run_id)
    except Rejected as problem:
        return None, str(problem)
    if asked is None or pushed.known_as is None:
        return asked, None
    # Whose project has the new name is not told by the push: it may be another repository's.
    now = pushed.repository.full_name
    return None, (
        f"run cloud-runner project add {now}, then push another commit: the repository was added "
        f"as {pushed.known_as}, and has been renamed"
    )


def _is_result(message: str) -> bool:
    """Whether the message is a result commit's: its last paragraph holds both trailers.

    A squash merge has the messages of all its commits; that one of them was a result, the last one
    too, is no reason to pass over what the others ask for.
    """
    if _LISTS_OTHERS.search(message) is not None:
        return False
    last_paragraph = message.replace("\r\n", "\n").rstrip().rpartition("\n\n")[2]
    return all(trailer.search(last_paragraph) for trailer in _TRAILERS)
