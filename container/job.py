"""Which run, and which attempt of it, a job is: its command line, fixed by the job definition.

    python3 job.pyz --workspace Ref::workspaceName --repository Ref::repositoryName
                    --branch Ref::branchName --commit Ref::commitHash
                    --run-id Ref::runId --attempt Ref::attempt

Batch puts in the values as they are: a branch may start with a dash or hold a quote. So the command
line is read as strict pairs, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from container.exits import Exit, JobFailed

_NAMES = ("workspace", "repository", "branch", "commit", "run-id", "attempt")
# Parts of an address, in which a dot or two would lead elsewhere.
_FOLDERS = ("workspace", "repository")
_USAGE = "usage: python3 job.pyz " + " ".join(f"--{name} VALUE" for name in _NAMES)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.IGNORECASE)
# What git-check-ref-format(1) forbids in a part of a ref's name, and slashes.
_NOT_IN_A_REF = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Job:
    """One attempt of one run."""

    workspace: str
    repository: str
    branch: str
    commit: str
    run_id: str
    attempt: str

    @property
    def sha7(self) -> str:
        """The commit's short name in branches and jobs."""
        return self.commit[:7]

    @property
    def results_branch(self) -> str:
        """Where the results go if the branch cannot take them; each attempt has one of its own.

        >>> Job("team", "churn", "main", "c" * 40, "4f2a", "2").results_branch
        'results/main/ccccccc-4f2a-2'
        """
        again = "" if self.attempt == "1" else f"-{self.attempt}"
        return f"results/{self.branch}/{self.sha7}-{_part(self.run_id)}{again}"

    def experiment_branch(self, name: str, sweep: tuple[str, str] | None) -> str:
        """Where an experiment's results go; `sweep` is a Weights & Biases sweep and its run.

        >>> job = Job("team", "churn", "main", "c" * 40, "4f2a", "1")
        >>> job.experiment_branch("wet-lynx", None), job.experiment_branch("x", ("ab12", "7"))
        ('experiment/ccccccc-wet-lynx', 'sweep/ab12/7')
        """
        if sweep is None:
            return f"experiment/{self.sha7}-{name}"
        sweep_id, sweep_run = sweep
        return f"sweep/{_part(sweep_id)}/{_part(sweep_run or self.run_id)}"

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Job:
        """The job that a command line names: each of the six options once, in any order.

        Raises:
            JobFailed: an option is missing, doubled, unknown or cannot be what it should be.

        >>> Job.parse(["--workspace", "team", "--repository", "churn", "--branch", "--commit",
        ...            "--commit", "c" * 40, "--run-id", "r1", "--attempt", "1"]).branch
        '--commit'
        """
        given: dict[str, str] = {}
        if len(arguments) % 2:
            raise _refused("every option takes one value")
        for option, value in zip(arguments[::2], arguments[1::2]):
            name = option[2:]
            if not option.startswith("--") or name not in _NAMES:
                raise _refused(f"unknown option {option!r}")
            if name in given:
                raise _refused(f"{option} is given twice")
            given[name] = _checked(name, value)
        for name in _NAMES:
            if name not in given:
                raise _refused(f"--{name} is missing")
        if not _HASH.fullmatch(given["commit"]):
            raise _refused("--commit is not a full commit hash")
        if not re.fullmatch(r"[0-9]{1,9}", given["attempt"]):
            raise _refused("--attempt is not a number")
        return cls(**{name.replace("-", "_"): value for name, value in given.items()})


def _checked(name: str, value: str) -> str:
    if not value or _CONTROL.search(value):
        raise _refused(f"--{name} is empty or holds control characters")
    if name in _FOLDERS and value in {".", ".."}:
        raise _refused(f"--{name} is no name")
    return value


def _part(text: str) -> str:
    return _NOT_IN_A_REF.sub("_", text)


def _refused(what: str) -> JobFailed:
    return JobFailed(Exit.BAD_ARGUMENTS, f"reading the command line: {what}\n{_USAGE}")
