"""Waiting for the runs of experiments, telling each change of state once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import sleep

from cli.experiments.sent import Sent
from cli.patience import Patience
from cli.requests import reaching
from shared.run_store import RunStore

_PAUSE_SECONDS = 2.0


def changes(records: RunStore, sent: Sequence[Sent]) -> Iterator[Sent]:
    """Each run of `sent` whenever its state is another, until all have ended.

    What is unavailable is asked again after the next pause.
    """
    patience = Patience(lambda: sleep(_PAUSE_SECONDS))
    waiting = {one.run.run_id: one for one in sent if one.open}
    while waiting:
        sleep(_PAUSE_SECONDS)
        for run_id, before in list(waiting.items()):
            with reaching("watching a run"):
                run = patience.ask(partial(records.get, run_id))
            if run is None:
                del waiting[run_id]  # somebody deleted the record: there is nothing to wait for
                continue
            waiting[run_id] = now = replace(before, run=run)
            if not now.open:
                del waiting[run_id]
            if (run.state, run.attempt) != (before.run.state, before.run.attempt):
                yield now
