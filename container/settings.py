"""What a job is told in its environment: by its job definition, and by the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from container.exits import Exit, JobFailed
from container.job import Job
from container.lending import ALL
from container.point import Point

_REPOSITORY = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_CHANGES = re.compile(r"(refs/[^\s~^:?*\[\\\x7f]+) ([0-9a-f]{40}(?:[0-9a-f]{24})?)")


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
    - `submodules` (`CLOUD_RUNNER_SUBMODULES`): the other repositories that the login goes to, as
      `workspace/slug`, separated by commas; `*` for all that the credentials open.
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
    submodules: tuple[str, ...]
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
            submodules=_submodules(environment, "CLOUD_RUNNER_SUBMODULES"),
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


def _submodules(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    text = environment.get(name, "")
    found = tuple(text.split(",")) if text else ()
    if found != (ALL,) and not all(_REPOSITORY.fullmatch(one) for one in found):
        raise JobFailed(
            Exit.BAD_ARGUMENTS,
            f"reading {name}: {text!r} is no list of WORKSPACE/SLUG: mend the definition",
        )
    return found


def _changes(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    text = environment.get(name, "")
    found = _CHANGES.fullmatch(text)
    if text and found is None:
        raise JobFailed(
            Exit.BAD_ARGUMENTS, f"reading {name}: {text!r} is no ref and no full commit hash"
        )
    return None if found is None else (found[1], found[2])
