"""The result commit: what is in it, what it says, and how a later try knows it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Optional

from container import experiment
from container.checkout import tracking
from container.dvc import Dvc
from container.experiment import Experiment
from container.git import Git
from container.job import Job
from container.settings import Settings

_RUN_ID = "Cloud-Run-Id"
_ATTEMPT = "Cloud-Run-Attempt"
_SUBJECT = 72
_MAX_NAMED = 10
# Paths on one command line: at 4 KiB each, far below its limit (execve(2)).
_AT_ONCE = 400


@dataclass(frozen=True)
class Result:
    """A commit with the results of the job, and the branch of Bitbucket that has it."""

    commit: str
    branch: str
    experiment: Optional[Experiment] = None  # noqa: UP045 - Python 3.9 evaluates a field's type

    def __str__(self) -> str:
        """The line of the log that tells where the results are."""
        return f"result commit: {self.commit} on {self.branch}"


def message(job: Job, settings: Settings, log: str = "") -> str:
    """What the result commit says; `log` is where the job's log is.

    No line begins with a keyword, so it asks for no run itself.

    >>> job = Job("team", "churn", "main", "c" * 40, "4f2a", "2")
    >>> print(message(job, Settings.read({"ACME_RUN_ARGS": "--single-item train"})))
    dvc repro --single-item train
    <BLANKLINE>
    Results of cccccccccccccccccccccccccccccccccccccccc on main, from AWS Batch.
    <BLANKLINE>
    Cloud-Run-Id: 4f2a
    Cloud-Run-Attempt: 2
    <BLANKLINE>
    """
    ran = what_ran(settings)
    subject = ran if len(ran) <= _SUBJECT else ran[: _SUBJECT - 1] + "…"
    body = [f"Results of {job.commit} on {job.branch}, from AWS Batch."]
    if subject != ran:
        body.append(f"It ran: {ran}")
    if log:
        body.append(f"The log: {log}")
    trailers = [f"{_RUN_ID}: {job.run_id}", f"{_ATTEMPT}: {job.attempt}"]
    return "\n".join([subject, "", *body, "", *trailers, ""])


def what_ran(settings: Settings) -> str:
    """The run in DVC's words, or the command's, on one line."""
    verb = "dvc exp run" if settings.experiment else "dvc repro"
    return " ".join([settings.command or verb, *settings.arguments.split()])


def earlier(
    git: Git, job: Job, sweep: tuple[str, str] | None, heads: dict[str, str]
) -> Result | None:
    """The result commit that an earlier try of this attempt has pushed, if there is one.

    `heads` are those of all branches where it may be.
    """
    for branch in heads:
        since = f"{job.commit}..{tracking(branch)}"
        history = git.must("log", "--format=%H%x00%B%x00", since, "--").split("\0")
        for commit, text in zip(history[::2], history[1::2]):
            if is_of(job, text):
                found = experiment.pushed(git, job, sweep, branch, commit)
                return Result(commit.strip(), branch, found)
    return None


def is_of(job: Job, text: str) -> bool:
    """Whether a commit that says this is a result of this attempt."""
    return {f"{_RUN_ID}: {job.run_id}", f"{_ATTEMPT}: {job.attempt}"} <= set(text.splitlines())


def commit(
    git: Git, dvc: Dvc, job: Job, text: str, *, there: str, note: Callable[[str], None]
) -> str | None:
    """Commit what the run changed with a message; None if it made nothing that git keeps.

    A commit is a result of this attempt only if it says so, hence there may be an empty one on
    what an experiment has committed. `there` is what Bitbucket has already, or "". `note` takes a
    sentence that the reader of the report must see.
    """
    # A program that was ended in the midst of it leaves this behind, and nobody holds it now.
    (git.directory / ".git" / "index.lock").unlink(missing_ok=True)
    git.must("add", "--update", finish=True)
    found = git.must("ls-files", "-z", "--others", "--exclude-standard", finish=True)
    kept, left = _untracked(dvc, found.split("\0")[:-1])
    for start in range(0, len(kept), _AT_ONCE):
        some = kept[start : start + _AT_ONCE]
        git.must("--literal-pathspecs", "add", "--", *some, finish=True)
    if left:
        shown = ", ".join(map(shlex.quote, left[:_MAX_NAMED]))
        more = f" and {len(left) - _MAX_NAMED} more" if len(left) > _MAX_NAMED else ""
        why = "dvc.yaml does not name them" if dvc.used else "Git does not track them"
        note(f"New files are not in the result commit, since {why}: {shown}{more}")
    head = git.must("rev-parse", "HEAD", finish=True).strip()
    if git.run("diff", "--cached", "--quiet", finish=True).code == 0:
        if head == job.commit:
            return None
        if head == there or is_of(job, git.must("log", "-1", "--format=%B", finish=True)):
            return head
    how = ("--quiet", "--allow-empty", "--no-verify", "--cleanup=verbatim", "--no-gpg-sign")
    git.must("commit", *how, "-m", text, finish=True)
    git.run("show", "--stat", "--format=", "HEAD", finish=True)
    return git.must("rev-parse", "HEAD", finish=True).strip()


def _untracked(dvc: Dvc, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which new files belong to the results: DVC's own, and those named that git keeps."""
    own = [path for path in paths if _is_dvcs(PurePosixPath(path))]
    others = [path for path in paths if not _is_dvcs(PurePosixPath(path))]
    if not others or not dvc.used:
        return own, others
    named = dvc.named()
    kept = [path for path in others if path in named]
    return own + kept, [path for path in others if path not in named]


def _is_dvcs(path: PurePosixPath) -> bool:
    return path.name in ("dvc.lock", ".gitignore") or path.suffix == ".dvc"
