"""Which sweep is meant by an id, or the beginning of one; and the newest sweeps.

A sweep of the command line has an id of its own, of which the ids of its waves' runs are made; the
id of a commit's sweep is that of its run. Records tell of both.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import click

from cli.requests import Requests
from cli.runs.finding import STATES, newest_first
from cli.sweep.sending import request_id
from shared.events import RunId, State, Sweep
from shared.points import Place
from shared.run_store import RunStore
from shared.runs import Run

# Records that are looked through for sweeps: of the newest, and a megabyte or two of them.
_MOST_RECORDS = 2000
_PAGE = 200


@dataclass(frozen=True)
class Known:
    """A sweep as its records tell of it: a run per wave, by number; of some, maybe not of all."""

    sweep_id: str
    runs: tuple[Run, ...]

    @property
    def first(self) -> Run:
        """The run of the first wave that is known."""
        return self.runs[0]

    @property
    def place(self) -> Place:
        """Where its objects are."""
        repository = self.first.repository
        if repository is None:
            message = f"the sweep {self.sweep_id} belongs to no repository: its results are nowhere"
            raise click.ClickException(message)
        return Place(repository.slug, self.sweep_id)

    @property
    def open(self) -> bool:
        """Whether a wave is not over."""
        return any(not run.final for run in self.runs)

    @property
    def state(self) -> State:
        """The state that says most of all waves: what still happens, then what went wrong."""
        order: tuple[State, ...] = (
            *("running", "submitted", "requested"),
            *("failed", "rejected", "stopped", "succeeded"),
        )
        return min((run.state for run in self.runs), key=order.index)

    @property
    def begun(self) -> datetime:
        """When its first known wave was asked for."""
        return min(run.created_at for run in self.runs)

    @property
    def changed(self) -> datetime:
        """When anything of it last changed."""
        return max(run.updated_at for run in self.runs)

    def wave(self, number: int) -> Run | None:
        """The run of a wave."""
        return next((run for run in self.runs if sweep_of(run).wave == number), None)


def sweep_of(run: Run) -> Sweep:
    """What a run of a sweep was asked to do."""
    if run.asked.sweep is None:
        message = f"{run.run_id} is a run and no sweep: cloud-runner runs show {run.run_id}"
        raise click.ClickException(message)
    return run.asked.sweep


def newest(records: RunStore) -> list[Known]:
    """The sweeps among the newest records, the one that changed last first."""
    found = newest_first(records.latest(state, _PAGE) for state in STATES)
    return _grouped(run for run in islice(found, _MOST_RECORDS) if run.asked.sweep is not None)


def find(requests: Requests, reference: str) -> Known:
    """The one sweep that `reference` means, with what is known of its waves.

    Raises:
        click.ClickException: there is none, or more than one.

    """
    records, first = requests.records, requests.run_id(request_id(reference, 1))
    exact = records.get(first) or records.get(RunId(reference))
    if exact is not None:
        return Known(sweep_of(exact).sweep_id, (exact,))
    begins = [one for one in newest(records) if one.sweep_id.startswith(reference)]
    if len(begins) == 1:
        return begins[0]
    if not begins:
        message = f"there is no sweep {reference}: cloud-runner sweep list shows those that are"
        raise click.ClickException(message)
    ids = ", ".join(one.sweep_id for one in begins[:10])
    message = f"{reference} may be one of {len(begins)} sweeps; write more of its id: {ids}"
    raise click.ClickException(message)


def complete(requests: Requests, known: Known, numbers: Iterable[int]) -> Known:
    """The same sweep with the run of every wave of these numbers, as it is now.

    A wave that was never asked for has none.
    """
    if known.first.run_id == known.sweep_id:
        return Known(known.sweep_id, tuple(_present(requests.records, [known.first.run_id])))
    waves = sorted({1, *numbers})
    ids = [requests.run_id(request_id(known.sweep_id, number)) for number in waves]
    # One whose runs have other ids, of before docs/decisions/0033, is what was found of it.
    return Known(known.sweep_id, tuple(_present(requests.records, ids)) or known.runs)


def _present(records: RunStore, ids: Sequence[RunId]) -> Iterator[Run]:
    for run_id in ids:
        run = records.get(run_id)
        if run is not None:
            yield run


def _grouped(runs: Iterable[Run]) -> list[Known]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(sweep_of(run).sweep_id, []).append(run)
    return [
        Known(sweep_id, tuple(sorted(waves, key=lambda run: sweep_of(run).wave)))
        for sweep_id, waves in found.items()
    ]
