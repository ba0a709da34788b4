"""DVC's experiments as git keeps them: a commit on the run's own, and a ref that names it.

The refs are `refs/exps/<first two digits of the base>/<the rest>/<name>` (dvc/repo/experiments/
refs.py). With them git does what `dvc exp branch` and `dvc exp push` do, without the seconds that
it takes to start DVC, and without credentials in reach of DVC's plugins.
"""

from __future__ import annotations

from dataclasses import dataclass

from container.git import Git
from container.job import Job


@dataclass(frozen=True)
class Experiment:
    """An experiment on the job's commit."""

    name: str
    commit: str
    ref: str


def made(git: Git, job: Job) -> Experiment | None:
    """The experiment that `dvc exp run` has left in the clone; None if it found nothing to do."""
    prefix = _prefix(job)
    listed = git.must("for-each-ref", "--format=%(objectname) %(refname)", prefix, finish=True)
    for line in listed.splitlines():
        commit, _, ref = line.partition(" ")
        return Experiment(ref[len(prefix) :], commit, ref)
    return None


def pushed(
    git: Git, job: Job, sweep: tuple[str, str] | None, branch: str, head: str
) -> Experiment | None:
    """The experiment whose branch an earlier try has pushed; None for another branch."""
    own = job.experiment_branch("", sweep)
    if not branch.startswith(own):
        return None
    # The experiment is the first commit on the base; our own may follow it.
    between = git.must("rev-list", "--first-parent", "--reverse", f"{job.commit}..{head.strip()}")
    name = branch[len(own) :] if sweep is None else sweep_name(job, sweep)
    return Experiment(name, between.split()[0], _prefix(job) + name)


def sweep_name(job: Job, sweep: tuple[str, str]) -> str:
    """The name of a sweep's experiment, which is that of its run at Weights & Biases."""
    return job.experiment_branch("", sweep).rpartition("/")[2]


def switch_to(git: Git, commit: str) -> None:
    """Go on from an experiment. Its branch is made at Bitbucket; here its name may be taken."""
    git.must("update-ref", "--no-deref", "HEAD", commit, finish=True)
    # With --temp DVC leaves the workspace as it was; else this changes nothing.
    git.must("reset", "--quiet", "--hard", finish=True)


def _prefix(job: Job) -> str:
    return f"refs/exps/{job.commit[:2]}/{job.commit[2:]}/"
