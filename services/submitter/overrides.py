"""What SubmitJob is told for an attempt.

Limits (Batch user guide, and the ECS RunTask behind it): the whole of a job's overrides is 8,192
characters at most; a longer one is accepted and fails later, so it is refused here.
"""

import json
from typing import Any

from services.submitter.points import terms
from shared.errors import Rejected
from shared.events import Asked, Job
from shared.names import Names
from shared.runs import Run

MAX_OVERRIDES = 8192
# Batch adds its own variables (job id, queue, attempt …) and the command to the overrides.
_BATCHS_OWN = 1024


def submission(
    run: Run,
    job: Job,
    names: Names,
    keyword_prefix: str,
    share_identifier: str | None,
    *,
    points: str | None = None,
) -> dict[str, Any]:
    """SubmitJob's arguments for the current attempt of `run`, under the names in `job`.

    `points` is what a sweep's job is told of its points.

    Raises:
        Rejected: the overrides would be longer than Batch takes.

    """
    asked, repository = run.asked, run.repository
    parameters = {
        "workspaceName": repository.workspace if repository else "",
        "repositoryName": repository.slug if repository else "",
        "branchName": run.branch or "",
        "commitHash": run.commit or "",
        "runId": run.run_id,
        "attempt": str(run.attempt),
    }
    resources = {"GPU": asked.gpus or None, "MEMORY": asked.memory_mib, "VCPU": asked.vcpus}
    environment = _environment(asked, keyword_prefix) | {"CLOUD_RUNNER_SWEEP": points}
    overrides = {
        "resourceRequirements": [
            {"type": kind, "value": str(value)} for kind, value in resources.items() if value
        ],
        "environment": [
            {"name": name, "value": value} for name, value in environment.items() if value
        ],
    }
    length = len(json.dumps([overrides, parameters])) + _BATCHS_OWN
    if length > MAX_OVERRIDES:
        message = (
            f"the arguments are too long for AWS Batch by {length - MAX_OVERRIDES} characters: "
            "put them into a file of the repository"
        )
        raise Rejected(message)
    # In a queue with a fair-share policy Batch refuses a job that neither itself nor its definition
    # has a priority (nextflow-io/nextflow pull request 3505).
    share: dict[str, Any] = {}
    if share_identifier:
        share = {"shareIdentifier": share_identifier, "schedulingPriorityOverride": 0}
    return {
        "jobName": job.name,
        "jobQueue": job.queue,
        "jobDefinition": job.definition,
        "parameters": {name: value for name, value in parameters.items() if value},
        "containerOverrides": {name: value for name, value in overrides.items() if value},
        "tags": names.job_tags(repository.slug if repository else None),
        **share,
        **(terms(asked.sweep) if asked.sweep is not None else {}),
    }


def _environment(asked: Asked, prefix: str) -> dict[str, str | None]:
    said = {
        f"{prefix}_RUN_ARGS": asked.arguments,
        f"{prefix}_RUN_EXP": "1" if asked.experiment else None,
    }
    if asked.changes is not None:
        said[f"{prefix}_RUN_CHANGES"] = f"{asked.changes.ref} {asked.changes.commit}"
    if asked.sweep is not None:
        said[f"{prefix}_RUN_COMMAND"] = asked.sweep.command
        said[f"{prefix}_INPUT_URI"] = asked.sweep.input_uri
        said[f"{prefix}_OUTPUT_DIR"] = asked.sweep.output_dir
        if asked.sweep.timeout_seconds is not None:
            # The definition tells its own; by this a job knows how long it has.
            said["CLOUD_RUNNER_TIMEOUT_SECONDS"] = str(asked.sweep.timeout_seconds)
    return said
