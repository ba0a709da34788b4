"""Bringing finished experiments back, as DVC's own: `dvc exp show` lists them on their baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cli.experiments.dvc import Dvc
from cli.experiments.git import Git
from cli.experiments.remotes import Remote
from cli.experiments.sent import Sent

Done: TypeAlias = Literal["brought", "here", "differs", "gone", "refused", "incomplete", "none"]
# For a person; what is said of `none` is the run's own state and reason.
WORDS: Mapping[Done, str] = {
    "brought": "brought here",
    "here": "here already",
    "differs": "left: an experiment of this name is here that is another",
    "gone": "left: the remote has no such experiment any more",
    "refused": "not brought: see what DVC says above",
    "incomplete": "brought here, but not all of its data",
    "none": "",
}
_NOT_DONE = ("differs", "gone", "refused", "incomplete")


@dataclass(frozen=True)
class Brought:
    """A run, and what was done about its experiment."""

    sent: Sent
    done: Done

    @property
    def failed(self) -> bool:
        """Whether it has succeeded there and is not here as it should be."""
        return self.done in _NOT_DONE

    def told(self) -> dict[str, object]:
        """Its facts, for a script."""
        return {**self.sent.told(), "experiment": None if self.done == "none" else self.done}


def here(git: Git) -> dict[str, str]:
    """The experiments in the working copy: the commit of each ref."""
    listed = git.lines("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps")
    return dict(line.rsplit(" ", 1) for line in listed)


def bring(
    git: Git,
    remote: Remote,
    sent: Sequence[Sent],
    find_dvc: Callable[[], Dvc],
    *,
    data: bool,
) -> list[Brought]:
    """Bring the experiments of those that succeeded and are not here."""
    before = here(git)
    succeeded = [one for one in sent if one.run.state == "succeeded"]
    there = remote.experiments if succeeded else {}
    planned = {one.ref: _plan(before.get(one.ref), there.get(one.ref)) for one in succeeded}
    wanted = [ref for ref, done in planned.items() if done == "brought"]
    if wanted:
        whole = find_dvc().pull(remote.name, wanted, data=data)
        after = here(git)
        for ref in wanted:
            come: Done = "brought" if whole else "incomplete"
            planned[ref] = come if after.get(ref) == there[ref] else "refused"
    return [Brought(one, planned.get(one.ref, "none")) for one in sent]


def _plan(ours: str | None, theirs: str | None) -> Done:
    if ours is not None:
        return "here" if theirs in (None, ours) else "differs"
    return "gone" if theirs is None else "brought"
