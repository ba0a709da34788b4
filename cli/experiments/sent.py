"""The runs that `experiments submit` has asked for, found among a stack's records."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cli.experiments.arguments import name_in
from cli.experiments.queued import Queued
from cli.experiments.remotes import experiment_ref
from cli.runs.selecting import Wanted
from shared.run_store import RunStore
from shared.runs import Run


@dataclass(frozen=True)
class Sent:
    """The run of an experiment: the name that it was queued under, the commit it was queued on."""

    name: str
    baseline: str
    run: Run

    @property
    def ref(self) -> str:
        """Where DVC keeps it, here and at the remote, once it has succeeded."""
        return experiment_ref(self.baseline, self.name)

    @property
    def open(self) -> bool:
        """Whether it has not ended yet."""
        return not self.run.final

    @property
    def failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self.run.final and self.run.state != "succeeded"

    def told(self) -> dict[str, object]:
        """Its facts, for a script."""
        run = self.run
        return {
            "name": self.name,
            "baseline": self.baseline,
            "run_id": run.run_id,
            "attempt": run.attempt,
            "state": run.state,
            "reason": run.reason,
            "arguments": run.asked.arguments,
            "asked_by": run.pushed_by.name,
            "created_at": run.created_at.isoformat(),
            "stopped_at": None if run.stopped_at is None else run.stopped_at.isoformat(),
        }


def request_id(repository_uuid: str, experiment: Queued) -> str:
    """The identity of its run, whoever asks for it how often."""
    parts = (repository_uuid, experiment.baseline, experiment.stash, experiment.name)
    return "/".join(("experiment", *parts))


def as_sent(run: Run) -> Sent | None:
    """The experiment that a run is of; None if `submit` did not make it."""
    name = name_in(run.asked.arguments)
    if run.asked.changes is None or run.commit is None or name is None:
        return None
    return Sent(name, run.commit, run)


def sent(records: RunStore, full_name: str) -> list[Sent]:
    """All of a repository's (workspace/slug), the oldest first."""
    found = filter(None, map(as_sent, Wanted(repository=full_name).select(records)))
    return sorted(found, key=lambda one: (one.run.created_at, one.name))


def chosen(
    found: Sequence[Sent], names: Sequence[str], baselines: Collection[str] | None
) -> list[Sent]:
    """Those of these names or run ids; without any those on `baselines` (None: on all).

    Of several of one name on one commit the newest counts.
    """
    newest = {one.ref: one for one in found}.values()
    if names:
        return [one for one in newest if one.name in names or one.run.run_id in names]
    return [one for one in newest if baselines is None or one.baseline in baselines]
