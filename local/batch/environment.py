"""The environment of a job's first process: what a container gets from Batch, and a clean machine.

Nothing of the endpoint's own environment reaches a job but what is named here.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.batch.jobs import Job

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class CloudAccess:
    """How a job reaches the embedded AWS; a real job gets this from its role."""

    endpoint_url: str | None
    batch_endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str

    def variables(self) -> dict[str, str]:
        """The variables by which any AWS SDK finds it."""
        found = {
            "AWS_ENDPOINT_URL_BATCH": self.batch_endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        return (
            found if self.endpoint_url is None else found | {"AWS_ENDPOINT_URL": self.endpoint_url}
        )


def job_variables(
    job: Job,
    queue: str,
    compute_environment: str,
    cloud: CloudAccess,
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """What a container gets, whatever runs it. Batch's own variables win over all others.

    The names are those of the Batch user guide, "Job environment variables".
    """
    batch = {
        "AWS_BATCH_JOB_ID": job.job_id,
        "AWS_BATCH_JOB_ATTEMPT": str(job.try_number),
        "AWS_BATCH_JQ_NAME": queue,
        "AWS_BATCH_CE_NAME": compute_environment,
    }
    if job.array_parent is not None and job.array_properties is not None:
        batch["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.array_properties.index)
        batch["AWS_BATCH_JOB_ARRAY_SIZE"] = str(job.array_size)
    given = {variable.name: variable.value for variable in job.container.environment}
    return cloud.variables() | given | dict(secrets) | batch


def machine_variables(scratch: Path, job_path: str) -> dict[str, str]:
    """What a process finds where a container would find its image's own settings."""
    return {
        "PATH": os.pathsep.join(filter(None, (job_path, _SYSTEM_PATH))),
        "HOME": str(scratch),
        "TMPDIR": str(scratch / "tmp"),
        "LANG": "C.UTF-8",
    }
