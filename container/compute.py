"""The part of a job that the user pays for: DVC's stages, or what the project runs instead.

One of three, in this order: the project's own `job-run.sh`, the command of the job definition, DVC.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from container import cgroups, experiment, result, scripts
from container.delivery import Target
from container.dvc import BAD_COMMAND_LINE
from container.exits import Exit, JobFailed
from container.experiment import Experiment
from container.gateway import gateway
from container.log import say, step
from container.origin import OriginRefused, OriginUnavailable
from container.s3 import S3Failed
from container.saver import Saver
from container.settings import Settings
from container.work import Work
from shared.arguments import ArgumentError, split, translate_params
from shared.sweeps import sweep_params

_FRUITLESS = {
    "--queue": "runs nothing now, and the queue ends with the job",
    "--no-commit": "keeps outputs out of DVC's cache, so they would end with the job",
}


@dataclass(frozen=True)
class Made:
    """What was computed: where its commit is to go, and the experiment that it is, if it is one.

    `failure` is what went wrong after the results were there.
    """

    target: Target
    experiment: Experiment | None = None
    failure: JobFailed | None = None


def arguments_of(settings: Settings) -> Sequence[str]:
    """The arguments of the run.

    Raises:
        JobFailed: they cannot be read.
    """
    try:
        arguments = split(settings.arguments)
        _check(arguments)
        if settings.command or not settings.experiment:
            return arguments
        if settings.sweep:
            arguments = sweep_params(arguments)
        return translate_params(arguments)
    except ArgumentError as error:
        variable = f"{settings.prefix}_RUN_ARGS"
        raise JobFailed(Exit.BAD_ARGUMENTS, f"reading {variable}: {error}") from error


def _check(arguments: Sequence[str]) -> None:
    """Refuse what would end well with no result."""
    for option, why in _FRUITLESS.items():
        if option in arguments:
            raise ArgumentError(f"{option} {why}: leave it out")


def compute(work: Work, arguments: Sequence[str]) -> Made:
    """Run what is to be run.

    Raises:
        JobFailed: it failed. What had been finished before is still to be saved.
        Interrupted: SIGTERM came.
    """
    try:
        if scripts.has_own(work.project, scripts.RUN):
            return _script(work)
        if work.settings.command:
            return _command(work, arguments)
        return _stages(work, arguments)
    except S3Failed as failed:
        raise JobFailed(Exit.STORAGE_FAILED, str(failed)) from failed
    finally:
        work.clear()


def _stages(work: Work, arguments: Sequence[str]) -> Made:
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
    killed = cgroups.oom_kills()
    with step(result.what_ran(settings)) as progress, _saving(work):
        code = work.dvc.reproduce(arguments, experiment=settings.experiment, message=text)
        progress.failed = code != 0
    if code:
        raise _why(work, code, killed)
    if not work.dvc.needs.remote:
        work.note(
            "This project has no DVC remote, so its data ended with the job: `dvc remote add -d …`"
        )
    found = experiment.made(work.git, job) if settings.experiment else None
    if found is None:
        return Made(Target(job.branch, job.commit))
    branch = job.experiment_branch(found.name, settings.sweep)
    experiment.switch_to(work.git, found.commit)
    return Made(Target(branch), found, _track(work) if work.dvc.needs.tracking else None)


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


def _saving(work: Work) -> AbstractContextManager[object]:
    """Whatever keeps safe what finished stages make, while others run."""
    if not work.dvc.can_save:
        work.note(
            "This image's DVC is one binary, so stages were not saved before the end of the run: "
            "install DVC with pip"
        )
        return nullcontext()
    listed = work.git.must("ls-files", "-z", "--", ":(glob)**/dvc.yaml")
    folders = [work.project / name for name in listed.split("\0") if name]
    return Saver(work.dvc.save, [file.with_name("dvc.lock") for file in folders])


def _why(work: Work, code: int, killed_before: int | None) -> JobFailed:
    """What a failing DVC has failed of."""
    ran = result.what_ran(work.settings)
    if code == BAD_COMMAND_LINE:
        return JobFailed(Exit.BAD_ARGUMENTS, f"{ran}: DVC does not take these arguments")
    killed = _killed(work, killed_before)
    if killed:
        return killed
    absent = work.dvc.look().absent.get(work.stages.failed, ())
    if absent and not work.stages.failed_running:
        return JobFailed(
            Exit.DATA_MISSING,
            f"{ran}: the data {', '.join(absent[:5])} is not on the DVC remote: run `dvc push` "
            "where it was added, then rerun",
        )
    if work.stages.silent:
        return JobFailed(
            Exit.BAD_ARGUMENTS,
            f"{ran}: DVC ended before any stage, see its last words: is there such a stage, and "
            "can the project's files be read?",
        )
    stage = f"the stage {work.stages.failed}" if work.stages.failed else "a stage"
    return JobFailed(Exit.STAGE_FAILED, f"{ran}: {stage} failed")


def _killed(work: Work, before: int | None) -> JobFailed | None:
    """What to say if memory has run out since `before`, which counts what it had killed then."""
    now = cgroups.oom_kills()
    if now is None or before is None or now <= before:
        return None
    return JobFailed(
        Exit.OUT_OF_MEMORY,
        f"{result.what_ran(work.settings)}: a process was killed for want of memory: ask for more "
        f"with :{work.settings.prefix}_MEMORY: in the commit's message",
    )


def _command(work: Work, arguments: Sequence[str]) -> Made:
    settings = work.settings
    try:
        command = [*split(settings.command), *arguments]
    except ArgumentError as error:
        raise JobFailed(
            Exit.BAD_ARGUMENTS, f"reading {settings.prefix}_RUN_COMMAND: {error}"
        ) from error
    source, target = work.directory / "input", _output(work)
    target.mkdir(parents=True, exist_ok=True)
    if settings.input_uri:
        with step(f"fetch {settings.input_uri}"):
            work.s3.fetch(settings.input_uri, source)
    saving = _prepared(work)
    environment = {
        **work.dvc.environment,
        f"{settings.prefix}_INPUT_DIR": str(source),
        f"{settings.prefix}_OUTPUT_DIR": str(target),
    }
    killed = cgroups.oom_kills()
    try:
        with step(result.what_ran(settings)) as progress, saving:
            code = _run(work, command, environment)
            progress.failed = code != 0
    finally:
        # Half an output may be worth hours: it is stored however the command has ended.
        work.clear()
        _store_output(work, target)
    return _ended(work, code, killed)


def _script(work: Work) -> Made:
    """Run the project's own job-run.sh, which may push by itself."""
    saving = _prepared(work)
    killed = cgroups.oom_kills()
    environment = scripts.environment(work.settings, work.dvc.environment, work.directory)
    opened = (
        nullcontext(None)
        if work.passwords is None
        else gateway(work.origin.url, work.passwords.for_git)
    )
    with step(scripts.RUN) as progress, opened as way:
        if way is not None:
            work.masks.add(urlsplit(way.url).path.split("/")[1])
            environment.update(scripts.pushing(way.url, work.origin.url))
        with saving:
            code = _run(work, [f"./{scripts.RUN}"], environment)
        progress.failed = code != 0
        work.clear()
    return _ended(work, code, killed)


def _prepared(work: Work) -> AbstractContextManager[object]:
    """DVC made ready, if the project has it, for a program of the project's own that calls it."""
    if not work.dvc.used:
        return nullcontext()
    work.dvc.prepare(work.job.workspace, work.job.repository)
    return _saving(work)


def _ended(work: Work, code: int, killed_before: int | None) -> Made:
    if code:
        failed = JobFailed(
            Exit.COMMAND_FAILED, f"{result.what_ran(work.settings)}: exit code {code}"
        )
        raise _killed(work, killed_before) or failed
    return Made(_target(work))


def _target(work: Work) -> Target:
    """Where to go on from what the project's own program has committed, and maybe pushed."""
    ended = work.git.run("symbolic-ref", "--quiet", "--short", "HEAD", read=True, finish=True)
    name = os.fsdecode(ended.output).strip() or work.job.branch
    expected = work.job.commit if name == work.job.branch else ""
    try:
        there = work.origin.heads(work.git.courier(), name).get(name, "")
    except (OriginUnavailable, OriginRefused) as failed:
        say(str(failed))
        return Target(name, expected)
    if there and work.git.has_commit(there) and work.git.follows("HEAD", there):
        expected = there
    return Target(name, expected)


def _run(work: Work, command: Sequence[str], environment: dict[str, str]) -> int:
    try:
        return work.children.run(command, directory=work.project, environment=environment).code
    except OSError as error:
        raise JobFailed(
            Exit.COMMAND_FAILED, f"starting {command[0]}: {error.strerror}: is it in the image?"
        ) from error


def _output(work: Work) -> Path:
    """The directory that is stored; a relative one is the project's."""
    named = work.settings.output_dir
    return work.project / named if named else work.directory / "output"


def _store_output(work: Work, output: Path) -> None:
    address = work.settings.results(work.job, "output/")
    if not output.is_dir() or not any(output.iterdir()):
        say("the command left nothing in its output directory")
        return
    if not address:
        work.note(
            "What the command left in its output directory ended with the job: the job definition "
            "names no place in S3 (CLOUD_RUNNER_RESULTS_URI)"
        )
        return
    try:
        with step("store the output"):
            work.s3.store(output, address)
    except S3Failed as failed:
        if not work.children.interrupted:
            raise
        say(str(failed))  # that is not what has ended the job
        return
    work.note(f"Output: {address}")
