"""The part of a job that the user pays for: DVC's stages, or what the project runs instead.

One of three, in this order: the project's own `job-run.sh`, the command of the job definition, DVC.
"""

from __future__ import annotations

from collections.abc import Sequence

from container import scripts
from container.command import run_command, run_script
from container.exits import Exit, JobFailed
from container.made import Made
from container.pipeline import run_stages
from container.s3 import S3Failed
from container.settings import Settings
from container.work import Work
from shared.arguments import check_options, split
from shared.hydra import ArgumentError
from shared.params import translate_params
from shared.sweeps import sweep_params


def arguments_of(settings: Settings) -> Sequence[str]:
    """The arguments of the run.

    Raises:
        JobFailed: they cannot be read.
    """
    try:
        arguments = split(settings.arguments)
        check_options(arguments)
        if settings.command or not settings.experiment:
            return arguments
        if settings.sweep:
            arguments = sweep_params(arguments)
        return translate_params(arguments)
    except ArgumentError as error:
        variable = f"{settings.prefix}_RUN_ARGS"
        raise JobFailed(Exit.BAD_ARGUMENTS, f"reading {variable}: {error}") from error


def words_of(settings: Settings) -> Sequence[str]:
    """What is started: the command with the arguments behind it, or the arguments of DVC.

    Raises:
        JobFailed: they cannot be read.
    """
    arguments = arguments_of(settings)
    if not settings.command:
        return arguments
    try:
        return [*split(settings.command), *arguments]
    except ArgumentError as error:
        raise JobFailed(
            Exit.BAD_ARGUMENTS, f"reading {settings.prefix}_RUN_COMMAND: {error}"
        ) from error


def compute(work: Work, words: Sequence[str]) -> Made:
    """Run what is to be run; `words` as of `words_of`.

    A sweep names its command itself, so for a point that comes before the project's script.

    Raises:
        JobFailed: it failed. What had been finished before is still to be saved.
        Interrupted: SIGTERM came.
    """
    try:
        command = bool(work.settings.command)
        swept = work.settings.point is not None and command
        if scripts.has_own(work.project, scripts.RUN) and not swept:
            return run_script(work)
        if command:
            return run_command(work, words)
        return run_stages(work, words)
    except S3Failed as failed:
        raise JobFailed(Exit.STORAGE_FAILED, str(failed)) from failed
    finally:
        work.clear()
