"""DVC's stages, run and kept safe as they end; why they have failed, if they have."""

from __future__ import annotations

from collections.abc import Sequence

from container import cgroups, experiment, result
from container.delivery import Target
from container.dvc import BAD_COMMAND_LINE
from container.exits import Exit, JobFailed
from container.log import step, tail
from container.made import Made, killed, saving
from container.work import Work

# DVC's logger begins the line of an error so; some lines of advice may follow it.
_ERROR = "ERROR:"
_LAST_LINES = 20


def run_stages(work: Work, arguments: Sequence[str]) -> Made:
    """Run the stages with these arguments of DVC; as `compute.compute`."""
    if not work.dvc.used:
        raise JobFailed(
            Exit.NO_DVC,
            "this project has no .dvc folder at its root: make it with `dvc init`, or give its job "
            f"definition a command in {work.settings.prefix}_RUN_COMMAND",
        )
    job, settings = work.job, work.settings
    work.dvc.prepare(job.workspace, job.repository)
    if settings.sweep:
        arguments = ["--name", experiment.sweep_name(job, settings.sweep), *arguments]
    text = result.message(job, settings, work.log_address) if settings.experiment else ""
    killed_before = cgroups.oom_kills()
    with step(result.what_ran(settings)) as progress, saving(work):
        code = work.dvc.reproduce(arguments, experiment=settings.experiment, message=text)
        progress.failed = code != 0
    if code:
        raise _why(work, code, killed_before)
    if not work.dvc.needs.remote:
        work.note(
            "This project has no DVC remote, so its data ended with the job: `dvc remote add -d …`"
        )
    found = experiment.made(work.git, job) if settings.experiment else None
    if found is None:
        return Made(Target(job.branch, job.commit), by_dvc=True)
    branch = job.experiment_branch(found.name, settings.sweep)
    experiment.switch_to(work.git, found.commit)
    failure = _track(work) if work.dvc.needs.tracking else None
    return Made(Target(branch), found, failure, by_dvc=True)


def _track(work: Work) -> JobFailed | None:
    """Let the project's own stage note the experiment."""
    work.clear()
    with step("dvc repro experiment") as progress:
        code = work.dvc.track_experiment()
        progress.failed = code != 0
    if code:
        work.note("The frozen stage `experiment` failed; the experiment's own results are complete")
        return JobFailed(Exit.STAGE_FAILED, f"dvc repro experiment: exit code {code}")
    return None


def _why(work: Work, code: int, killed_before: int | None) -> JobFailed:
    """What a failing DVC has failed of."""
    ran = result.what_ran(work.settings)
    if code == BAD_COMMAND_LINE:
        return JobFailed(Exit.BAD_ARGUMENTS, f"{ran}: DVC does not take these arguments")
    out_of_memory = killed(work, killed_before)
    if out_of_memory:
        return out_of_memory
    absent = work.dvc.needs.missing or work.dvc.look().absent.get(work.stages.failed, ())
    if absent and not work.stages.failed_running:
        return JobFailed(
            Exit.DATA_MISSING,
            f"{ran}: the data {', '.join(absent[:5])} is not on the DVC remote: run `dvc push` "
            "where it was added, then rerun",
        )
    if work.stages.silent:
        return JobFailed(Exit.BAD_ARGUMENTS, f"{ran}: DVC ended before any stage: {_last_words()}")
    stage = f"the stage {work.stages.failed}" if work.stages.failed else "a stage"
    return JobFailed(Exit.STAGE_FAILED, f"{ran}: {stage} failed")


def _last_words() -> str:
    """What DVC said of its end, on one line; else where to look."""
    errors = (line for line in reversed(tail(_LAST_LINES)) if line.startswith(_ERROR))
    said = next(errors, "").removeprefix(_ERROR).strip()
    return said or "is there such a stage, and can the project's files be read?"
