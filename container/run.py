"""One job from its commit to its results: the order of the steps, and what each way to end leaves.

Data is pushed before the commit that names it, so no commit points to data that is not there. A
failed or interrupted run leaves what its finished stages made on the DVC remote, and no commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from container import result
from container.checkout import check_out
from container.credentials import Credentials
from container.delivery import deliver, deliver_data
from container.dvc import Dvc
from container.exits import Exit, JobFailed
from container.git import Git
from container.log import say, step
from container.origin import Origin
from container.processes import Children, Interrupted, end_leftovers
from container.result import Result
from container.settings import Job, Settings
from shared.arguments import ArgumentError, split, translate_params


def run(
    job: Job, settings: Settings, credentials: Credentials | None, children: Children, work: Path
) -> int:
    """The job's exit code; `work` is an empty directory of its own.

    Raises:
        JobFailed: the job cannot go on, see `exits`.
        Interrupted: SIGTERM came before the first stage ended.
    """
    arguments = _arguments(settings)
    project = work / "project"
    project.mkdir()
    git, dvc = Git(children, project, settings), Dvc(children, project, settings)
    origin = Origin.of(job, settings, credentials)

    with step(f"clone {job.workspace}/{job.repository}"):
        heads = check_out(git, origin, job)
    found = result.earlier(git, job, heads)
    if found:
        with step("summary"):
            say("an earlier try of this attempt has pushed its results already")
            say(str(found))
        return Exit.DONE

    code = _stages(dvc, arguments, settings)
    if code:
        _save(dvc)
        say(f"{result.what_ran(settings)}: exit code {code}; what it printed is above")
        return code
    with step("push data"):
        deliver_data(dvc, children)
    pushed = _push_commit(git, dvc, origin, job, settings)
    _summarise(git, dvc, job, settings, pushed)
    return Exit.DONE


def _arguments(settings: Settings) -> Sequence[str]:
    try:
        arguments = split(settings.arguments)
        return translate_params(arguments) if settings.experiment else arguments
    except ArgumentError as error:
        variable = f"{settings.prefix}_RUN_ARGS"
        raise JobFailed(Exit.BAD_ARGUMENTS, f"reading {variable}: {error}") from error


def _stages(dvc: Dvc, arguments: Sequence[str], settings: Settings) -> int:
    dvc.prepare()
    try:
        with step(result.what_ran(settings)):
            code = dvc.reproduce(arguments, experiment=settings.experiment)
    except Interrupted:
        _save(dvc)
        raise
    # From here on git holds credentials: nothing that a stage has started may still run.
    left = end_leftovers()
    if left:
        say(f"ended {left} processes that the stages had left running")
    return code


def _save(dvc: Dvc) -> None:
    """Keep what finished: with the run cache, a rerun starts from there."""
    end_leftovers()
    with step("push the data of finished stages"):
        if not dvc.push():
            say("not all of it could be pushed")


def _push_commit(git: Git, dvc: Dvc, origin: Origin, job: Job, settings: Settings) -> Result | None:
    with step("commit the results"):
        if result.commit(git, dvc, job, settings) is None:
            say("the run changed nothing that git keeps: no result commit")
            return None
    with step("push the result commit"):
        return deliver(git, origin, job, settings)


def _summarise(git: Git, dvc: Dvc, job: Job, settings: Settings, pushed: Result | None) -> None:
    with step("summary"):
        say(f"{result.what_ran(settings)} on {job.commit} of {job.branch}")
        if pushed is None:
            say("nothing changed, so there is no result commit")
            return
        if git.mentions("metrics", "dvc.yaml"):
            table = dvc.metrics_diff(job.commit[:12], pushed.commit[:12])
            say(table or "no metric differs")
        else:
            say("this project has no metrics")
        say(str(pushed))
