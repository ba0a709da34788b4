"""A program of the project's own that runs instead of DVC: a command, or `job-run.sh`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from container import cgroups, experiment, result, scripts
from container.courier import Courier
from container.delivery import Target
from container.exits import Exit, JobFailed
from container.gateway import gateway
from container.log import say, step
from container.made import Made, killed, saving
from container.origin_calls import OriginRefused, OriginUnavailable
from container.s3 import S3Failed
from container.work import Work


def run_command(work: Work, command: Sequence[str]) -> Made:
    """Run a command with what it reads and leaves in S3; as `compute.compute`."""
    settings = work.settings
    source, target = work.directory / "input", output_directory(work)
    target.mkdir(parents=True, exist_ok=True)
    if settings.input_uri:
        with step(f"fetch {settings.input_uri}"):
            work.s3.fetch(settings.input_uri, source)
    saver = _prepared(work)
    environment = {
        **work.dvc.environment,
        f"{settings.prefix}_INPUT_DIR": str(source),
        f"{settings.prefix}_OUTPUT_DIR": str(target),
    }
    killed_before = cgroups.oom_kills()
    try:
        with step(result.what_ran(settings)) as progress, saver:
            code = _run(work, command, environment)
            progress.failed = code != 0
    finally:
        # Half an output may be worth hours: it is stored however the command has ended.
        work.clear()
        _store_output(work, target)
    _check(work, code, killed_before)
    if settings.point is not None:
        return Made(Target(work.job.branch, work.job.commit))  # which goes nowhere
    return Made(_target(work))


def run_script(work: Work) -> Made:
    """Run the project's own job-run.sh, which may push by itself; as `compute.compute`.

    The script of a point may have made an experiment, by the default that it calls.
    """
    saver = _prepared(work)
    killed_before = cgroups.oom_kills()
    environment = {
        **scripts.environment(work.settings, work.dvc.environment, work.directory),
        **scripts.again(work.job, work.settings),
    }
    opened = (
        nullcontext(None)
        if work.passwords is None
        else gateway(work.origin.url, work.passwords.for_git)
    )
    with step(scripts.RUN) as progress, opened as way:
        if way is not None:
            work.masks.add(urlsplit(way.url).path.split("/")[1])
            environment.update(scripts.pushing(way.url, work.origin.url))
        with saver:
            code = _run(work, [f"./{scripts.RUN}"], environment)
        progress.failed = code != 0
        work.clear()
    _check(work, code, killed_before)
    if work.settings.point is None:
        return Made(_target(work))
    found = experiment.made(work.git, work.job)
    if found is not None:
        experiment.switch_to(work.git, found.commit)
    return Made(Target(work.job.branch, work.job.commit), found, by_dvc=found is not None)


def _prepared(work: Work) -> AbstractContextManager[object]:
    """DVC made ready, if the project has it, for a program of the project's own that calls it."""
    if not work.dvc.used:
        return nullcontext()
    work.dvc.prepare(work.job.workspace, work.job.repository)
    return saving(work)


def _check(work: Work, code: int, killed_before: int | None) -> None:
    if code:
        failed = JobFailed(
            Exit.COMMAND_FAILED, f"{result.what_ran(work.settings)}: exit code {code}"
        )
        raise killed(work, killed_before) or failed


def _target(work: Work) -> Target:
    """Where to go on from what the project's own program has committed, and maybe pushed."""
    ended = work.git.run("symbolic-ref", "--quiet", "--short", "HEAD", read=True, finish=True)
    name = os.fsdecode(ended.output).strip() or work.job.branch
    expected = work.job.commit if name == work.job.branch else ""
    try:
        there = work.origin.heads(Courier(work.git), name).get(name, "")
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


def output_directory(work: Work) -> Path:
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
