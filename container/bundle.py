"""Commits as files in S3, to fetch them from: what Bitbucket does not take, or is not to get."""

from __future__ import annotations

from container.exits import Exit, JobFailed
from container.experiment import Experiment
from container.log import say, step
from container.s3 import S3Failed
from container.work import Work

_NAME = "result.bundle"
_EXPERIMENT = "experiment.bundle"
# Not a branch: its name might be in the way of one.
_REF = "refs/cloud-run/result"


def keep(work: Work, commit: str) -> None:
    """Store a result commit that Bitbucket does not take, with all that is new, beside the logs."""
    address = work.settings.results(work.job, _NAME)
    if not address:
        say("the job definition names no place in S3 (CLOUD_RUNNER_RESULTS_URI) for the commit")
        return
    file = work.directory / _NAME
    branch = work.job.results_branch
    with step("store the result commit in S3"):
        work.git.must("update-ref", _REF, commit, finish=True)
        work.git.must(
            "bundle", "create", "--quiet", str(file), _REF, f"^{work.job.commit}", finish=True
        )
        try:
            work.s3.store(file, address)
        except S3Failed as failed:
            say(str(failed))
            return
    work.note(
        f"The result commit is in {address}. In a clone: aws s3 cp {address} . && "
        f"git fetch {_NAME} {_REF} && git push origin FETCH_HEAD:refs/heads/{branch}"
    )


def keep_experiment(work: Work, made: Experiment) -> None:
    """Store what `git fetch` makes an experiment of, in any clone that has the run's commit.

    Raises:
        JobFailed: S3 does not take it.
    """
    file = work.directory / _EXPERIMENT
    base = f"^{work.job.commit}"
    work.git.must("bundle", "create", "--quiet", str(file), made.ref, base, finish=True)
    try:
        work.s3.store(file, work.settings.results(work.job, _EXPERIMENT))
    except S3Failed as failed:
        raise JobFailed(Exit.STORAGE_FAILED, f"storing the experiment: {failed}") from failed
