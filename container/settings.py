"""What a job is told: its command line, fixed by the job definition, and its environment.

    python3 job.pyz --workspace Ref::workspaceName --repository Ref::repositoryName
                    --branch Ref::branchName --commit Ref::commitHash
                    --run-id Ref::runId --attempt Ref::attempt

Batch puts in the values as they are: a branch may start with a dash or hold a quote. So the command
line is read as strict pairs, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from container.exits import Exit, JobFailed

_NAMES = ("workspace", "repository", "branch", "commit", "run-id", "attempt")
_USAGE = "usage: python3 job.pyz " + " ".join(f"--{name} VALUE" for name in _NAMES)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.IGNORECASE)


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
    def fallback_branch(self) -> str:
        """Where the results go if the branch cannot take them."""
        run = re.sub(r"[^A-Za-z0-9_-]", "_", self.run_id)
        return f"cloud-run/{self.branch}/{run}-{self.attempt}"

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
            if not value or _CONTROL.search(value):
                raise _refused(f"{option} is empty or holds control characters")
            given[name] = value
        for name in _NAMES:
            if name not in given:
                raise _refused(f"--{name} is missing")
        if not _HASH.fullmatch(given["commit"]):
            raise _refused("--commit is not a full commit hash")
        if not re.fullmatch(r"[0-9]{1,9}", given["attempt"]):
            raise _refused("--attempt is not a number")
        return cls(**{name.replace("-", "_"): value for name, value in given.items()})


@dataclass(frozen=True)
class Settings:
    """What the job definition and the run's overrides put into the environment.

    `arguments` is the text after the run keyword as it was written (`ACME_RUN_ARGS`), `experiment`
    says `dvc exp run` instead of `dvc repro` (`ACME_RUN_EXP=1`). `CLOUD_RUNNER_PREFIX` is the
    keywords' prefix, which is also that of these two variables.
    """

    prefix: str
    arguments: str
    experiment: bool
    git_url: str
    committer_name: str
    committer_email: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """The settings in an environment, with their documented defaults.

        >>> settings = Settings.read({"ACME_RUN_ARGS": "--single-item train", "ACME_RUN_EXP": "1"})
        >>> settings.arguments, settings.experiment, settings.git_url
        ('--single-item train', True, 'https://bitbucket.org')
        """
        prefix = environment.get("CLOUD_RUNNER_PREFIX", "ACME")
        return cls(
            prefix=prefix,
            arguments=environment.get(f"{prefix}_RUN_ARGS", ""),
            experiment=environment.get(f"{prefix}_RUN_EXP") == "1",
            git_url=environment.get("BITBUCKET_GIT_URL", "https://bitbucket.org").rstrip("/"),
            committer_name=environment.get("GIT_COMMITTER_NAME", "DVC Cloud Runner"),
            committer_email=environment.get(
                "GIT_COMMITTER_EMAIL", "cloud-runner@users.noreply.bitbucket.org"
            ),
        )


def _refused(what: str) -> JobFailed:
    return JobFailed(Exit.BAD_ARGUMENTS, f"reading the command line: {what}\n{_USAGE}")
