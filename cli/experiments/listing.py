"""What is queued in a working copy and what was sent of it, side by side."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from cli.experiments.queued import Queued
from cli.experiments.sent import Sent, request_id
from shared.events import RunId


@dataclass(frozen=True)
class Row:
    """An experiment: whether it waits in DVC's queue, its run, whether its results are here."""

    name: str
    baseline: str
    queued: bool
    sent: Sent | None
    here: bool

    def told(self) -> dict[str, object]:
        """Its facts, for a script."""
        run = {} if self.sent is None else self.sent.told()
        place = {"queued": self.queued, "here": self.here}
        return {"name": self.name, "baseline": self.baseline, **place, "run_id": None, **run}


def listing(
    waiting: Sequence[Queued],
    found: Sequence[Sent],
    here: Collection[str],
    run_id: Callable[[str], RunId],
) -> list[Row]:
    """Those that wait, the oldest first, then those that were sent and do not.

    `run_id` tells the stack's run of a request id.
    """

    def row(name: str, baseline: str, sent: Sent | None, *, queued: bool) -> Row:
        return Row(name, baseline, queued, sent, sent is not None and sent.ref in here)

    runs = [next((run for run in found if _is_of(run, one, run_id)), None) for one in waiting]
    known = {run.run.run_id for run in runs if run is not None}
    return [
        *(row(o.name, o.baseline, run, queued=True) for o, run in zip(waiting, runs, strict=True)),
        *(row(s.name, s.baseline, s, queued=False) for s in found if s.run.run_id not in known),
    ]


def _is_of(sent: Sent, experiment: Queued, run_id: Callable[[str], RunId]) -> bool:
    """Whether a run is of this very experiment, and not of another of its name."""
    repository = sent.run.repository
    if repository is None or sent.name != experiment.name:
        return False
    return run_id(request_id(repository.uuid, experiment)) == sent.run.run_id
