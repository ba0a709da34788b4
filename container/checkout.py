"""From nothing to the very commit of the run, on a local branch of its name, with full history."""

from __future__ import annotations

from container import lfs
from container.exits import Exit, JobFailed
from container.git import WITHOUT_LFS, Git, GitFailed
from container.job import Job
from container.log import say
from container.origin import Origin
from container.origin_calls import OriginRefused, OriginUnavailable


def check_out(git: Git, origin: Origin, job: Job, *others: str) -> dict[str, str]:
    """Fill the empty directory of `git`; the heads of the job's branch and `others` at Bitbucket.

    The branch may have moved on, or be gone: the commit counts. `others` may hold `*`.

    Raises:
        JobFailed: the commit cannot be had.
    """
    try:
        git.must("init", "--quiet", "--template=")
        git.must("remote", "add", "origin", origin.url)
        heads = origin.heads(git, job.branch, *others)
        _fetch(git, origin, job, heads)
        git.must("update-ref", f"refs/heads/{job.branch}", job.commit)
        git.must("symbolic-ref", "HEAD", f"refs/heads/{job.branch}")
        git.must(*WITHOUT_LFS, "reset", "--quiet", "--hard")
        check_out_others(git, origin)
    except (OriginUnavailable, OriginRefused, GitFailed) as failed:
        raise JobFailed(Exit.NOT_CLONED, f"cloning: {failed}") from failed
    _say_where(job, heads)
    return heads


def check_out_others(git: Git, origin: Origin) -> None:
    """Fetch what the files of a clone name beside its own commits: large files, submodules.

    Raises:
        JobFailed, OriginUnavailable, OriginRefused: some of it cannot be had.
        GitFailed: the submodules cannot be told.
    """
    lfs.check_out(git, origin)
    if (git.directory / ".gitmodules").exists():
        for submodule in origin.fetch_submodules(git):
            lfs.check_out(submodule, origin)


def tracking(branch: str) -> str:
    """The local name of a branch at Bitbucket."""
    return f"refs/remotes/origin/{branch}"


def _fetch(git: Git, origin: Origin, job: Job, heads: dict[str, str]) -> None:
    if heads:
        origin.fetch(git, *[f"+refs/heads/{branch}:{tracking(branch)}" for branch in heads])
    if git.has_commit(job.commit) or origin.lends(git, job.commit):
        return
    # On no branch that we know of: somebody may have renamed or merged it.
    origin.fetch(git, f"+refs/heads/*:{tracking('*')}")
    if not git.has_commit(job.commit):
        raise JobFailed(
            Exit.NOT_CLONED,
            f"cloning: {job.commit} is on no branch any more: push it again, then rerun",
        )


def _say_where(job: Job, heads: dict[str, str]) -> None:
    say(f"at {job.commit} on {job.branch}")
    if job.branch not in heads:
        say(f"{job.branch} is gone from Bitbucket meanwhile")
    elif heads[job.branch] != job.commit:
        say(f"{job.branch} has moved on meanwhile, to {heads[job.branch]}")
