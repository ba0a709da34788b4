"""One job from its commit to its results: the order of the steps, and what each way to end leaves.

Data is pushed before the commit that names it, so no commit points to data that is not there. A
failed or interrupted run leaves what its finished stages made on the DVC remote, and no commit.
"""

from __future__ import annotations

import time

from container import bundle, changes, compute, publish, result
from container.checkout import check_out
from container.delivery import CommitNotPushed, Delivery, deliver_data
from container.exits import Exit, JobFailed
from container.log import say, step
from container.made import Made
from container.processes import Interrupted
from container.result import Result
from container.work import Work

_DATA_SECONDS = 1800.0


def run(work: Work) -> None:
    """Do the job.

    Raises:
        JobFailed: it has failed, see `exits`.
        Interrupted: SIGTERM came before the results were safe.
    """
    job, settings = work.job, work.settings
    words = compute.words_of(settings)
    with step(f"clone {job.workspace}/{job.repository}"):
        own = job.experiment_branch("" if settings.sweep else "*", settings.sweep)
        heads = check_out(work.git, work.origin, job, job.results_branch, own)
    found = result.earlier(work.git, job, settings.sweep, heads)
    if found:
        work.note("An earlier try of this attempt had pushed these results; this one only finished")
        _finish(work, found)
        return
    if settings.changes:
        _change(work, *settings.changes)
    try:
        made = compute.compute(work, words)
        pushed = _deliver(work, made)
    except Interrupted:
        save_finished(work)
        raise
    except JobFailed as failed:
        _give_up(work, failed)
        raise
    except Exception as error:
        fault = f"a fault of the runner: {type(error).__name__}: {error}"
        _give_up(work, JobFailed(Exit.INTERNAL, fault))
        raise
    _finish(work, pushed)
    if made.failure:
        raise made.failure


def _change(work: Work, ref: str, commit: str) -> None:
    try:
        changes.check(work)
        changes.apply(work, ref, commit)
    except JobFailed as failed:
        publish.failed(work, failed)
        raise


def _give_up(work: Work, failed: JobFailed) -> None:
    """Keep what there is and tell, without hiding why the run has failed."""
    try:
        if not isinstance(failed, CommitNotPushed):
            save_finished(work)
    finally:
        publish.failed(work, failed)


def _deliver(work: Work, made: Made) -> Result | None:
    push_data(work)
    with step("commit the results"):
        text = result.message(work.job, work.settings, work.log_address)
        there = made.target.expected
        commit = result.commit(work.git, work.dvc, work.job, text, there=there, note=work.note)
        if commit is None:
            say("the run changed nothing that git keeps: no result commit")
            return None
    delivery = _delivery(work)
    try:
        with step("push the result commit"):
            pushed = delivery.deliver(commit, made.target)
    except CommitNotPushed:
        bundle.keep(work, commit)
        raise
    return Result(pushed.commit, pushed.branch, made.experiment)


def _finish(work: Work, pushed: Result | None) -> None:
    """The steps that an earlier try of this attempt may have left to do. Each may be done twice."""
    if pushed and pushed.experiment:
        with step("push the experiment"):
            if not _delivery(work).share_experiment(
                pushed.experiment.ref, pushed.experiment.commit
            ):
                work.note("The experiment could not be shared: `dvc exp list` does not show it")
    publish.succeeded(work, pushed)
    if pushed:
        say(str(pushed))


def _delivery(work: Work) -> Delivery:
    return Delivery(work.git, work.origin, work.job, until=work.until, note=work.note)


def push_data(work: Work) -> None:
    """Bring what DVC knows to its remote; see `delivery.deliver_data`."""
    if work.dvc.used:
        with step("push data"):
            # A remote that refuses for good must not hold a machine for long.
            until = min(work.until, time.monotonic() + _DATA_SECONDS)
            deliver_data(work.dvc, work.children, until)


def save_finished(work: Work) -> None:
    """Keep what finished: with the run cache, a rerun starts from there."""
    if not work.dvc.used:
        return
    with step("push the data of finished stages"):
        if not work.dvc.save_last():
            say("not all of it could be pushed")
