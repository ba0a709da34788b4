"""Which run is meant: by its id, by the beginning of it, or by a commit."""

import re
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import get_args

import click

from cli.account import Account
from cli.asking import reaching
from cli.runs.wording import candidate
from cli.shown import command
from shared.events import RunId, State
from shared.run_store import RunStore
from shared.runs import Run

STATES: tuple[State, ...] = get_args(State)
_ID_LENGTH = 24
_LEAST = 4
_REFERENCE = re.compile(r"[0-9a-f]{4,64}")
_MOST_CANDIDATES = 10


class RunReference(click.ParamType):
    """A run's id, a beginning of it, or a commit: hexadecimal digits, in any case."""

    name = "RUN"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The reference in lower case, or click's words for what is wrong with it."""
        text = str(value).lower()
        if not _REFERENCE.fullmatch(text):
            message = (
                f"{value!r} is no run: write its id or a commit, or the first {_LEAST} or more "
                "characters of either"
            )
            self.fail(message, param, ctx)
        return text


def find(records: RunStore, reference: str, account: Account) -> Run:
    """The one run that `reference` means, as its record is now.

    Raises:
        click.ClickException: there is none, or more than one; the text lists those.

    """
    with reaching("looking for a run"):
        if len(reference) == _ID_LENGTH:
            run = records.get(RunId(reference))
            if run is not None:
                return run
        found = newest_first(records.beginning(state, reference) for state in STATES)
        runs = list(found)
        if len(runs) == 1:
            # The index may lag behind the table.
            return records.get(runs[0].run_id) or runs[0]
    if not runs:
        message = f"there is no run {reference}: {command(account, 'runs', 'list')} shows the runs"
        raise click.ClickException(message)
    raise click.ClickException(_ambiguous(reference, runs))


def newest_first(found: Iterable[Iterator[Run]]) -> Iterator[Run]:
    """Runs of several states, each the latest first, as one; no run twice.

    One that changes its state while they are read may be met in both.
    """
    seen: set[RunId] = set()
    for run in merge(*found, key=lambda run: run.updated_at, reverse=True):
        if run.run_id not in seen:
            seen.add(run.run_id)
            yield run


def _ambiguous(reference: str, runs: Sequence[Run]) -> str:
    lines = [f"{reference} may be one of {len(runs)} runs; write more of its id:"]
    lines += [f"  {candidate(run)}" for run in runs[:_MOST_CANDIDATES]]
    if len(runs) > _MOST_CANDIDATES:
        lines.append(f"  and {len(runs) - _MOST_CANDIDATES} more")
    return "\n".join(lines)
