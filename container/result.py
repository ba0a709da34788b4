"""The result commit: what is in it, what it says, and how a later try knows it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from container.checkout import tracking
from container.dvc import Dvc
from container.git import Git
from container.log import say
from container.settings import Job, Settings

_RUN_ID = "Cloud-Run-Id"
_ATTEMPT = "Cloud-Run-Attempt"
_SUBJECT = 72
_MAX_NAMED = 10


@dataclass(frozen=True)
class Result:
    """A commit with the results of the job, and the branch of Bitbucket that has it."""

    commit: str
    branch: str

    def __str__(self) -> str:
        """The line of the log that tells where the results are."""
        return f"result commit: {self.commit} on {self.branch}"


def message(job: Job, settings: Settings) -> str:
    """What the result commit says. No line begins with a keyword, so it asks for no run itself.

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
    trailers = [f"{_RUN_ID}: {job.run_id}", f"{_ATTEMPT}: {job.attempt}"]
    return "\n".join([subject, "", *body, "", *trailers, ""])


def what_ran(settings: Settings) -> str:
    """The run in DVC's words, on one line."""
    verb = "dvc exp run" if settings.experiment else "dvc repro"
    return " ".join([verb, *settings.arguments.split()])


def earlier(git: Git, job: Job, heads: dict[str, str]) -> Result | None:
    """The result commit that an earlier try of this attempt has pushed, if there is one."""
    ours = {f"{_RUN_ID}: {job.run_id}", f"{_ATTEMPT}: {job.attempt}"}
    for branch in heads:
        since = f"{job.commit}..{tracking(branch)}"
        history = git.must("log", "--format=%H%x00%B%x00", since, "--").split("\0")
        for commit, text in zip(history[::2], history[1::2]):
            if ours <= set(text.splitlines()):
                return Result(commit.strip(), branch)
    return None


def commit(git: Git, dvc: Dvc, job: Job, settings: Settings) -> str | None:
    """Commit what the run changed; None if it changed nothing that git keeps."""
    git.must("add", "--update", finish=True)
    found = git.must("ls-files", "-z", "--others", "--exclude-standard", finish=True)
    kept, left = _untracked(dvc, found.split("\0")[:-1])
    if kept:
        git.must("--literal-pathspecs", "add", "--", *kept, finish=True)
    if left:
        shown = ", ".join(map(shlex.quote, left[:_MAX_NAMED]))
        more = f" and {len(left) - _MAX_NAMED} more" if len(left) > _MAX_NAMED else ""
        say(f"left out, since no stage names them as outputs: {shown}{more}")
    if git.run("diff", "--cached", "--quiet", finish=True).code == 0:
        return None
    text = message(job, settings)
    git.must("commit", "--quiet", "--no-verify", "--cleanup=verbatim", "-m", text, finish=True)
    git.run("show", "--stat", "--format=", "HEAD", finish=True)
    return git.must("rev-parse", "HEAD", finish=True).strip()


def _untracked(dvc: Dvc, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which new files belong to the results: DVC's own, and outputs that git keeps."""
    own = [path for path in paths if _is_dvcs(PurePosixPath(path))]
    others = [path for path in paths if not _is_dvcs(PurePosixPath(path))]
    if not others:
        return own, []
    outputs = dvc.outputs()
    kept = [path for path in others if path in outputs]
    return own + kept, [path for path in others if path not in outputs]


def _is_dvcs(path: PurePosixPath) -> bool:
    return path.name in ("dvc.lock", ".gitignore") or path.suffix == ".dvc"
