"""The last resort for a result commit that Bitbucket does not take: a file to fetch it from."""

from __future__ import annotations

from container.log import say, step
from container.s3 import S3Failed
from container.work import Work

_NAME = "result.bundle"
# Not a branch: its name might be in the way of one.
_REF = "refs/cloud-run/result"


def keep(work: Work, commit: str) -> None:
    """Store the commit, with all that is new since the run's own, beside the logs in S3."""
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
