"""What a machine is told: what to make ready, and what to run and where its results go.

The shapes are the agent's (container/agent). Whatever is in them stays in a command history, so a
secret is told by its ARN alone: the machine reads it for itself.
"""

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from cli.deploy.program import PREFIX as PROGRAM
from cli.deployed import Deployed
from cli.remote.machine import MachineFacts
from cli.remote.options import Wanted
from cli.remote.work import Work
from shared.events import Machine
from shared.runs import Run

# Where the program of jobs lies: in an image, and on a machine beside the agent.
_IN_AN_IMAGE = "/opt/cloud-runner/job.pyz"
_ON_A_MACHINE = "/var/lib/cloud-runner/job.pyz"
# What `begin` checks of what `setup` has made ready.
_PREPARED = ("docker", "git", "branch", "program_uri")
# The agent ends an experiment by SIGTERM, and by SIGKILL so much later.
_STOP_SECONDS = 60


def preparation(work: Work, deployed: Deployed) -> dict[str, Any]:
    """What `setup` is to make ready."""
    program = f"s3://{deployed.output('DataBucket')}/{PROGRAM}job.pyz"
    return {
        "docker": work.image,
        "registry_login": work.image is not None and _is_in_ecr(work.image),
        "git": work.clone,
        "branch": work.branch,
        "program_uri": program if work.source is not None else None,
        "boto3": version("boto3"),
    }


def machine_of(
    run_id: str,
    work: Work,
    wanted: Wanted,
    machine: MachineFacts,
    now: datetime,
    *,
    commit: str | None = None,
) -> Machine:
    """The machine as the run's record has it; `commit` is that of its clone."""
    return Machine(
        instance_id=machine.instance_id,
        instance_type=machine.instance_type,
        market=machine.market,
        name=wanted.name,
        afterwards=wanted.then,
        ends_at=machine.ends_at or now.astimezone(UTC) + timedelta(hours=wanted.max_hours),
        log_stream=f"remote/{machine.instance_id}/{run_id}",
        image=work.image,
        git=work.clone,
        branch=work.branch,
        commit=commit,
    )


def order(run: Run, work: Work, wanted: Wanted, region: str, deployed: Deployed) -> dict[str, Any]:
    """What `begin` is to run."""
    machine = run.machine
    if machine is None:
        message = f"run {run.run_id} has no machine"
        raise ValueError(message)
    project = work.source is not None
    ready = preparation(work, deployed)
    return {
        "run_id": run.run_id,
        "attempt": run.attempt,
        "instance": machine.instance_id,
        "region": region,
        "name": machine.name,
        "argv": _jobs_argv(run, work) if project else _modules_argv(work),
        "environment": _environment(run, work, region, deployed),
        "secret": {"variable": "BITBUCKET_AUTH", "arn": work.secret} if project else None,
        "docker": work.image,
        "cwd": "project" if project else "clone" if work.clone is not None else "work",
        "results_paths": list(wanted.results_paths),
        "log_path": wanted.log_path,
        "bucket": wanted.bucket or deployed.output("DataBucket"),
        "prefix": wanted.prefix,
        "afterwards": machine.afterwards,
        "notify": wanted.notify,
        "log_group": deployed.output("JobLogGroup"),
        "log_stream": machine.log_stream,
        "queue_url": deployed.output("BatchEventsQueueUrl"),
        # The agent begins nothing where something else was made ready, or nothing.
        "prepared": {name: ready[name] for name in _PREPARED},
    }


def _modules_argv(work: Work) -> list[str]:
    return ["python3", "-m", work.asked.module or "", *work.words]


def _jobs_argv(run: Run, work: Work) -> list[str]:
    """The command line of container/project.yaml's job definition, with its values in place."""
    repository = run.repository
    return [
        "python3",
        _ON_A_MACHINE if work.image is None else _IN_AN_IMAGE,
        *("--workspace", repository.workspace if repository else ""),
        *("--repository", run.slug),
        *("--branch", run.branch or ""),
        *("--commit", run.commit or ""),
        *("--run-id", run.run_id),
        *("--attempt", str(run.attempt)),
    ]


def _environment(run: Run, work: Work, region: str, deployed: Deployed) -> dict[str, str]:
    """The variables of the experiment; a project's are those of its job definition."""
    plain = {"AWS_DEFAULT_REGION": region, "CLOUD_RUNNER_RUN_ID": run.run_id}
    if work.source is None:
        return plain
    prefix, asked = deployed.output("KeywordPrefix"), work.asked
    projects = {
        "BITBUCKET_API_URL": deployed.output("BitbucketApiUrl"),
        "BITBUCKET_GIT_URL": deployed.output("BitbucketGitUrl"),
        "CLOUD_RUNNER_PREFIX": prefix,
        "CLOUD_RUNNER_RESULTS_URI": f"s3://{deployed.output('DataBucket')}/projects/{run.slug}/runs",
        "CLOUD_RUNNER_STOP_SECONDS": str(_STOP_SECONDS),
        "CLOUD_RUNNER_SUBMODULES": work.submodules or None,
        f"{prefix}_RUN_ARGS": asked.arguments,
        f"{prefix}_RUN_COMMAND": None if asked.module is None else f"python3 -m {asked.module}",
    }
    return plain | {name: value for name, value in projects.items() if value is not None}


def _is_in_ecr(image: str) -> bool:
    """Whether an image is in a registry of ECR's, which gives out passwords by its own API.

    >>> _is_in_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme/churn:latest")
    True
    >>> _is_in_ecr("python:3.12"), _is_in_ecr("ghcr.io/someone/tool")
    (False, False)
    """
    host = image.partition("/")[0]
    return ".dkr.ecr." in host and host.partition(".")[0].isdigit()
