"""Sending queued experiments: all is looked at first, then pushed at once, then asked for.

Whatever is interrupted is typed again: an experiment's run has one identity, its files one commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import click

from cli.experiments import workspaces
from cli.experiments.arguments import joined
from cli.experiments.git import Git
from cli.experiments.queued import Queued
from cli.experiments.remotes import Remote, changes_ref, experiment_ref
from cli.experiments.sent import Sent, request_id
from cli.requests import Requests, Source, reaching
from shared.events import Asked, Changes, RunId
from shared.runs import Run


@dataclass(frozen=True)
class Order:
    """An experiment that can be sent: what is to be asked for it, or its run from before.

    `run_id` is its run, whether that exists or not.
    """

    experiment: Queued
    source: Source
    run_id: RunId
    arguments: str
    changed: tuple[str, ...]
    before: Run | None

    @property
    def request_id(self) -> str:
        """Who asks with it asks for the same run."""
        return request_id(self.source.repository.uuid, self.experiment)

    def asked(self, resources: Asked, commit: str) -> Asked:
        """What its run is asked to do."""
        changes = Changes(ref=changes_ref(self.run_id), commit=commit)
        update = {"experiment": True, "arguments": self.arguments, "changes": changes}
        return resources.model_copy(update=update)

    def told(self) -> dict[str, object]:
        """What would be sent, for a script."""
        return {
            "name": self.experiment.name,
            "baseline": self.experiment.baseline,
            "branch": self.source.branch,
            "run_id": self.run_id,
            "arguments": self.arguments,
            "changed": list(self.changed),
            "new": self.before is None,
            "state": None if self.before is None else self.before.state,
        }

    def sent(self, run: Run) -> Sent:
        """Its run as it is."""
        return Sent(self.experiment.name, self.experiment.baseline, run)


@dataclass
class Submitting:
    """Where experiments come from, and where their runs are asked for.

    `find` tells what Bitbucket knows of a branch; `branch` is the one that is checked out.
    """

    git: Git
    remote: Remote
    requests: Requests
    find: Callable[[str], Source]
    branch: str | None
    _sources: dict[str, Source] = field(default_factory=dict)

    def orders(self, experiments: Sequence[Queued]) -> list[Order]:
        """What is to be sent; nothing is yet.

        Raises:
            click.ClickException: some of it cannot be; the text names each, and why.

        """
        outside = workspaces.untracked(self.git)
        orders, problems = [], []
        for experiment in experiments:
            try:
                orders.append(self._order(experiment, outside))
            except click.ClickException as error:
                problems.append(error.format_message())
        if problems:
            told = "\n".join(dict.fromkeys(problems))
            raise click.ClickException(f"nothing was sent:\n{told}" if len(problems) > 1 else told)
        return orders

    def send(self, orders: Sequence[Order], resources: Asked) -> list[Sent]:
        """Push the files of those that are new or gone, and ask for the run of each."""
        commits: dict[RunId, str] = {}
        with self.git.scratch() as git:
            for order in orders:
                if order.before is None or self._is_gone(order.before):
                    commits[order.run_id] = workspaces.commit(git, order.experiment)
            if commits:
                self.remote.send(git, {changes_ref(run): it for run, it in commits.items()})
        return [self._ask(order, resources, commits.get(order.run_id)) for order in orders]

    def _is_gone(self, before: Run) -> bool:
        """Whether another attempt of a run would look for its files in vain."""
        return before.state != "succeeded" and changes_ref(before.run_id) not in self.remote.changes

    def _ask(self, order: Order, resources: Asked, commit: str | None) -> Sent:
        if order.before is not None and order.before.state != "requested":
            return order.sent(order.before)
        # One that was asked for no further than its record is asked for again, as it was.
        asked = order.before.asked if order.before else order.asked(resources, commit or "")
        with reaching("asking for a run"):
            return order.sent(self.requests.ask(order.request_id, asked, order.source))

    def _order(self, experiment: Queued, outside: Sequence[str]) -> Order:
        source = self._source(experiment)
        run_id = self.requests.run_id(request_id(source.repository.uuid, experiment))
        with reaching("looking for a run of before"):
            before = self.requests.records.get(run_id)
        changed = tuple(workspaces.changed(self.git, experiment))
        arguments = joined(workspaces.options(self.git, experiment))
        if before is None:
            self._check_is_new(experiment)
            self._check_is_whole(experiment, changed, outside)
        return Order(experiment, source, run_id, arguments, changed, before)

    def _check_is_new(self, experiment: Queued) -> None:
        if experiment_ref(experiment.baseline, experiment.name) in self.remote.experiments:
            message = (
                f"{self.remote.name} has another experiment {experiment.name} on "
                f"{experiment.baseline[:7]} already: queue this one under another name"
            )
            raise click.ClickException(message)

    def _check_is_whole(
        self, experiment: Queued, changed: Sequence[str], outside: Sequence[str]
    ) -> None:
        lacking = workspaces.lacking(self.git, experiment, outside)
        if lacking:
            message = (
                f"{experiment.name} needs {', '.join(lacking[:5])}, which git does not track, so "
                "DVC did not queue it: `git add` (or `dvc add`) it, and queue the experiment again"
            )
            raise click.ClickException(message)
        pointers = workspaces.pointers(self.git, experiment, changed)
        if pointers:
            message = (
                f"{experiment.name} changes {', '.join(pointers[:5])}, which Git LFS keeps beside "
                "git: commit and push it, and queue the experiment on that commit"
            )
            raise click.ClickException(message)

    def _source(self, experiment: Queued) -> Source:
        baseline = experiment.baseline
        if baseline not in self._sources:
            branch = self.remote.branch_with(baseline, self.branch)
            if branch is None:
                message = (
                    f"{experiment.name} was queued on {baseline[:7]}, which is on no branch of "
                    f"{self.remote.name}: git push {self.remote.name} {self.branch or 'BRANCH'}"
                )
                raise click.ClickException(message)
            self._sources[baseline] = replace(self.find(branch), commit=baseline)
        return self._sources[baseline]
