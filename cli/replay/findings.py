"""What a branch's head asks for, whether its run has a record, and what is therefore to do.

The keywords are read by the parser's own code, so this says what the parser will say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from cli.replay.heads import Head
from services.parser.keywords import Limits
from services.parser.requests import request
from shared.events import CommitPushed, Repository, RunId, State
from shared.runs import Run

Todo: TypeAlias = Literal["send", "old", "known"]


@dataclass(frozen=True)
class Rules:
    """How the stack reads keywords, and how old a commit may be to be replayed."""

    stack: str
    prefix: str
    limits: Limits
    since: timedelta


@dataclass(frozen=True)
class Finding:
    """A head that asks for something."""

    pushed: CommitPushed
    asks: str
    state: State | None
    todo: Todo


def find(
    repository: Repository,
    head: Head,
    rules: Rules,
    record: Callable[[RunId], Run | None],
    now: datetime,
) -> Finding | None:
    """What there is to do about a head; None if its message asks for nothing.

    A result commit asks for nothing, and a record, whatever it says, means that the push was heard.
    """
    pushed = head.pushed(repository, rules.prefix, now)
    asked = request(pushed, rules.stack, rules.prefix, rules.limits, now)
    if asked is None:
        return None
    known = record(asked.run_id)
    if known is not None:
        return Finding(pushed, _asks(asked), known.state, "known")
    date = head.target.date
    is_old = date is not None and date < now - rules.since
    return Finding(pushed, _asks(asked), None, "old" if is_old else "send")


def _asks(run: Run) -> str:
    if run.state == "rejected":
        return f"rejected: {run.reason}"
    what = "experiment" if run.asked.experiment else "run"
    return f"{what} {run.asked.arguments}" if run.asked.arguments else what
