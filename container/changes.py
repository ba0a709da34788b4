"""A workspace that differs from the run's commit, as somebody had it when queueing an experiment.

The files come as a commit of their own under a ref of their own; what DVC's queue stashes is one.
The run's commit stays where HEAD is, since the experiment is to be one on it. New files must be
known to git's index, or the experiment's commit would lack them.
"""

from __future__ import annotations

from container import scripts
from container.checkout import check_out_others
from container.exits import Exit, JobFailed
from container.git import WITHOUT_LFS, GitFailed
from container.log import step
from container.origin_calls import OriginRefused, OriginUnavailable
from container.work import Work

# DVC's queue packs the arguments of its own worker into the stash, pickled (3.67.1,
# dvc/repo/experiments/executor/base.py, PACKED_ARGS_FILE): a run that found them would use them
# instead of its own.
_TEMPORARY = ":(glob)**/.dvc/tmp/**"


def check(work: Work) -> None:
    """See that the changes can end in an experiment, and nowhere else.

    Raises:
        JobFailed: a program of the project's own runs, whose results go to the branch.
    """
    own = work.settings.command or (
        scripts.RUN if scripts.has_own(work.project, scripts.RUN) else ""
    )
    if own:
        raise JobFailed(
            Exit.BAD_ARGUMENTS,
            f"changes to the commit run as an experiment of DVC, but this project runs {own}: "
            "commit them, then run the commit",
        )


def apply(work: Work, ref: str, commit: str) -> None:
    """Make the clone's files and index, not HEAD, what a commit at Bitbucket holds.

    Raises:
        JobFailed: the commit cannot be had.
    """
    with step(f"fetch the changes {ref}"):
        try:
            _fetch(work, ref, commit)
            work.git.must(*WITHOUT_LFS, "read-tree", "--reset", "-u", commit)
            work.git.must("rm", "-r", "-f", "--quiet", "--ignore-unmatch", "--", _TEMPORARY)
            check_out_others(work.git, work.origin)
        except (OriginUnavailable, OriginRefused, GitFailed) as failed:
            raise JobFailed(Exit.NOT_CLONED, f"fetching the changes: {failed}") from failed


def _fetch(work: Work, ref: str, commit: str) -> None:
    there = work.origin.refs(work.git, ref).get(ref)
    if there is None:
        raise JobFailed(
            Exit.NOT_CLONED,
            f"fetching the changes: {ref} is gone from Bitbucket: submit the experiment again",
        )
    if there != commit:
        raise JobFailed(
            Exit.NOT_CLONED,
            f"fetching the changes: {ref} is at {there} by now, not at {commit}: "
            "submit the experiment again",
        )
    work.origin.fetch(work.git, ref)
