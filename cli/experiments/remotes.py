"""A git remote of the working copy: what it has, asked of it now and not from memory."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

import click

from cli.experiments.git import Git
from shared.events import RunId

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def changes_ref(run_id: RunId) -> str:
    """Where the files of a run's experiment are at the remote: on no branch, so nothing runs."""
    return f"refs/cloud-run/queue/{run_id}"


def experiment_ref(baseline: str, name: str) -> str:
    """Where DVC keeps an experiment (DVC 3: dvc/repo/experiments/refs.py).

    >>> experiment_ref("0123ab", "wet-lynx")
    'refs/exps/01/23ab/wet-lynx'
    """
    return f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}"


@dataclass
class Remote:
    """A remote by its name; it is asked once for what it has."""

    git: Git
    name: str

    @cached_property
    def branches(self) -> Mapping[str, str]:
        """The head of each branch."""
        prefix = "refs/heads/"
        return {ref.removeprefix(prefix): head for ref, head in self._refs(prefix).items()}

    @cached_property
    def experiments(self) -> Mapping[str, str]:
        """The commit of each experiment's ref."""
        return self._refs("refs/exps/")

    @cached_property
    def changes(self) -> Mapping[str, str]:
        """The commit of each ref that files of experiments were sent to."""
        return self._refs("refs/cloud-run/")

    @property
    def address(self) -> str:
        """Where it is, as configured."""
        return self.git.ask("remote", "get-url", self.name)

    def check_is(self, git_url: str) -> None:
        """Refuse to send to Bitbucket what the embedded stack is asked to run, and the reverse.

        Raises:
            click.UsageError: the remote is another than the stack's Bitbucket.

        """
        stacks, ours = urlsplit(git_url), urlsplit(self.address)
        if not {stacks.hostname, ours.hostname} & _LOOPBACK:
            return  # one of them may be an alias in somebody's ssh configuration
        if (stacks.hostname, stacks.port) != (ours.hostname, ours.port):
            message = (
                f"the remote {self.name} is not the Bitbucket of this stack, which is at "
                f"{git_url}: add that as a remote and name it with --remote, or leave out --local"
            )
            raise click.UsageError(message)

    def branch_with(self, commit: str, preferred: str | None) -> str | None:
        """A branch that holds `commit`: `preferred`, one that ends there, another; None if none."""
        if not self._known([commit]):
            return None
        known = self._known(set(self.branches.values()))
        ours = [name for name in self.branches if name == preferred]
        at_it = [name for name in sorted(self.branches) if self.branches[name] == commit]
        near = [name for name in sorted(self.branches) if self.branches[name] in known]
        far = [name for name in sorted(self.branches) if self.branches[name] not in known]
        for names in (ours, at_it, near, far):
            found = self._first_with(
                commit, names, fetch=not known.issuperset(map(self._head, names))
            )
            if found is not None:
                return found
        return None

    def send(self, git: Git, commits: Mapping[str, str]) -> None:
        """Push commits to refs of these names, replacing what is there.

        No hook runs: they are for what people push, and may write to the working copy.
        """
        pairs = [f"+{commit}:{ref}" for ref, commit in commits.items()]
        git.reach(
            f"sending to {self.name}", "push", "--no-verify", "--quiet", "--", self.name, *pairs
        )

    def _head(self, branch: str) -> str:
        return self.branches[branch]

    def _known(self, commits: Iterable[str]) -> set[str]:
        """Those of some commits that are in the working copy."""
        # A partial clone would fetch what it is asked about.
        git = self.git.given(GIT_NO_LAZY_FETCH="1")
        asked = "".join(f"{commit}\n" for commit in commits)
        told = git.ask("cat-file", "--batch-check=%(objectname) %(objecttype)", text=asked)
        return {line.split()[0] for line in told.splitlines() if line.endswith(" commit")}

    def _first_with(self, commit: str, branches: Sequence[str], *, fetch: bool) -> str | None:
        """The first of some branches that holds `commit`; unseen heads are fetched, and let go."""
        if not branches:
            return None
        with self.git.scratch() if fetch else nullcontext(self.git) as git:
            if fetch:
                self._fetch(git, branches)
            for name in branches:
                if git.holds("merge-base", "--is-ancestor", commit, self.branches[name]):
                    return name
        return None

    def _fetch(self, git: Git, branches: Iterable[str]) -> None:
        # Nothing is noted: no FETCH_HEAD, and no tracking branch moves for want of a refmap.
        plain = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--refmap=")
        refs = [f"refs/heads/{name}" for name in branches]
        command = ("fetch", "--quiet", *plain, "--no-recurse-submodules", "--", self.name, *refs)
        git.reach(f"looking at the branches of {self.name}", *command)

    def _refs(self, prefix: str) -> dict[str, str]:
        doing = f"asking {self.name} what it has"
        told = self.git.reach(doing, "ls-remote", "--quiet", "--", self.name, f"{prefix}*")
        pairs = (line.split("\t", 1) for line in told.splitlines())
        return {ref: commit for commit, ref in pairs if ref.startswith(prefix)}
