"""What the ways to compute have in common: what they make, how it is kept safe, why they fail."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from container import cgroups, result
from container.delivery import Target
from container.exits import Exit, JobFailed
from container.experiment import Experiment
from container.saver import Saver
from container.work import Work


@dataclass(frozen=True)
class Made:
    """What was computed: where its commit is to go, and the experiment that it is, if it is one.

    `failure` is what went wrong after the results were there. `by_dvc`: DVC's stages made it.
    """

    target: Target
    experiment: Experiment | None = None
    failure: JobFailed | None = None
    by_dvc: bool = False


def saving(work: Work) -> AbstractContextManager[object]:
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


def killed(work: Work, before: int | None) -> JobFailed | None:
    """What to say if memory has run out since `before`, which counts what it had killed then."""
    now = cgroups.oom_kills()
    if now is None or before is None or now <= before:
        return None
    return JobFailed(
        Exit.OUT_OF_MEMORY,
        f"{result.what_ran(work.settings)}: a process was killed for want of memory: ask for more "
        f"with :{work.settings.prefix}_MEMORY: in the commit's message",
    )
