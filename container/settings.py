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
from container.point import Point

_NAMES = ("workspace", "repository", "branch", "commit", "run-id", "attempt")
# Parts of an address, in which a dot or two would lead elsewhere.
_FOLDERS = ("workspace", "repository")
_USAGE = "usage: python3 job.pyz " + " ".join(f"--{name} VALUE" for name in _NAMES)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.IGNORECASE)
# What git-check-ref-format(1) forbids in a part of a ref's name, and slashes.
_NOT_IN_A_REF = re.compile(r"[^A-Za-z0-9_-]")
_CHANGES = re.compile(r"(refs/[^\s~^:?*\[\\\x7f]+) ([0-9a-f]{40}(?:[0-9a-f]{24})?)")


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


@dataclass(frozen=True)
class Settings:
    """What the job definition and the run's overrides put into the environment.

    `CLOUD_RUNNER_PREFIX` is the keywords' prefix, which is also that of the variables written here
    with `ACME`.

    - `arguments` (`ACME_RUN_ARGS`): the text after the run keyword as it was written.
    - `experiment` (`ACME_RUN_EXP=1`): `dvc exp run` instead of `dvc repro`. So are a run of a
      sweep, a point without a command, and a workspace with changes.
    - `command` (`ACME_RUN_COMMAND`): runs instead of DVC, with the arguments behind it.
    - `input_uri` (`ACME_INPUT_URI`): what of S3 the command finds in `ACME_INPUT_DIR`.
    - `output_dir` (`ACME_OUTPUT_DIR`): what is stored in S3 after the command.
    - `results_uri` (`CLOUD_RUNNER_RESULTS_URI`): `s3://bucket/folder` for reports, logs, outputs.
    - `cache_dir` (`CLOUD_RUNNER_CACHE_DIR`): a directory that outlives the job, for DVC's caches.
    - `directory` (`CLOUD_RUNNER_DIRECTORY`): where the job works; what it leaves there stays. By
      default a new directory, which ends with the job.
    - `timeout_seconds` (`CLOUD_RUNNER_TIMEOUT_SECONDS`): the definition's timeout, 0 if none.
    - `stop_seconds` (`CLOUD_RUNNER_STOP_SECONDS`): between SIGTERM and SIGKILL, 30 by default.
    - `sweep`: a Weights & Biases sweep and its run (`WANDB_SWEEP_ID`, `WANDB_RUN_ID`).
    - `try_number` (`AWS_BATCH_JOB_ATTEMPT`): which of Batch's tries this is, from 1.
    - `point` (`CLOUD_RUNNER_SWEEP`, `AWS_BATCH_JOB_ARRAY_INDEX`): the job is one point of a sweep.
    - `changes` (`ACME_RUN_CHANGES`): a ref and its commit, whose files are the workspace.
    """

    prefix: str
    arguments: str
    experiment: bool
    git_url: str
    api_url: str
    committer_name: str
    committer_email: str
    command: str
    input_uri: str
    output_dir: str
    results_uri: str
    cache_dir: str
    directory: str
    timeout_seconds: int
    stop_seconds: int
    sweep: tuple[str, str] | None
    try_number: int
    point: Point | None
    changes: tuple[str, str] | None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """The settings in an environment, with their documented defaults.

        Raises:
            JobFailed: one of them cannot be what it should be.

        >>> settings = Settings.read({"ACME_RUN_ARGS": "--single-item train", "ACME_RUN_EXP": "1"})
        >>> settings.arguments, settings.experiment, settings.git_url
        ('--single-item train', True, 'https://bitbucket.org')
        """
        prefix = environment.get("CLOUD_RUNNER_PREFIX", "ACME")
        sweep_id = environment.get("WANDB_SWEEP_ID", "")
        command = environment.get(f"{prefix}_RUN_COMMAND", "")
        point, changes = Point.read(environment), _changes(environment, f"{prefix}_RUN_CHANGES")
        return cls(
            prefix=prefix,
            arguments=environment.get(f"{prefix}_RUN_ARGS", ""),
            experiment=environment.get(f"{prefix}_RUN_EXP") == "1"
            or bool(sweep_id or changes)
            or (point is not None and not command),
            git_url=_url(environment, "BITBUCKET_GIT_URL", "https://bitbucket.org"),
            api_url=_url(environment, "BITBUCKET_API_URL", "https://api.bitbucket.org/2.0"),
            committer_name=environment.get("GIT_COMMITTER_NAME", "DVC Cloud Runner"),
            committer_email=environment.get(
                "GIT_COMMITTER_EMAIL", "cloud-runner@users.noreply.bitbucket.org"
            ),
            command=command,
            input_uri=environment.get(f"{prefix}_INPUT_URI", ""),
            output_dir=environment.get(f"{prefix}_OUTPUT_DIR", ""),
            results_uri=_url(environment, "CLOUD_RUNNER_RESULTS_URI", ""),
            cache_dir=environment.get("CLOUD_RUNNER_CACHE_DIR", ""),
            directory=environment.get("CLOUD_RUNNER_DIRECTORY", ""),
            timeout_seconds=_seconds(environment, "CLOUD_RUNNER_TIMEOUT_SECONDS", 0),
            stop_seconds=_seconds(environment, "CLOUD_RUNNER_STOP_SECONDS", 30),
            sweep=(sweep_id, environment.get("WANDB_RUN_ID", "")) if sweep_id else None,
            try_number=_seconds(environment, "AWS_BATCH_JOB_ATTEMPT", 1),
            point=point,
            changes=changes,
        )

    def results(self, job: Job, name: str) -> str:
        """The address in S3 of something that this attempt leaves; "" where nothing can be left.

        >>> job = Job("team", "churn", "main", "c" * 40, "4f2a", "2")
        >>> Settings.read({"CLOUD_RUNNER_RESULTS_URI": "s3://b/runs/"}).results(job, "job.log")
        's3://b/runs/4f2a/2/job.log'
        """
        if self.point is not None:
            return self.point.left_by(int(job.attempt), name)
        return f"{self.results_uri}/{job.run_id}/{job.attempt}/{name}" if self.results_uri else ""


def _url(environment: Mapping[str, str], name: str, default: str) -> str:
    return environment.get(name, default).rstrip("/")


def _seconds(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise JobFailed(
            Exit.BAD_ARGUMENTS, f"reading {name}: {text!r} is no whole number: mend the definition"
        )
    return int(text)


def _changes(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    text = environment.get(name, "")
    found = _CHANGES.fullmatch(text)
    if text and found is None:
        raise JobFailed(
            Exit.BAD_ARGUMENTS, f"reading {name}: {text!r} is no ref and no full commit hash"
        )
    return None if found is None else (found[1], found[2])


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
