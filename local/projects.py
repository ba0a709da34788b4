"""A repository joins the stack: repository, webhook with its secret, job definition.

The embedded stack's form of what `cloud-runner project add` does in AWS.
"""

import json
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from container.build import build as build_program
from local import example
from local.aws import REGION
from local.bitbucket.client import Client
from shared.names import Names

NAMES = Names("acme", "development")
HOOKS_SECRET = "acme/development/bitbucket-webhook-uuids"  # noqa: S105 - a name
AUTH_SECRET = "acme/development/bitbucket-auth"  # noqa: S105 - a name
EXAMPLE = "acme/faulty-parts"
RESULTS_BUCKET = "acme-development-results"
_JOB_TIMEOUT_SECONDS = 3600
# The program's command line, and the parameters that every job of a commit is submitted with.
_OPTIONS = (
    ("--workspace", "workspaceName"),
    ("--repository", "repositoryName"),
    ("--branch", "branchName"),
    ("--commit", "commitHash"),
    ("--run-id", "runId"),
    ("--attempt", "attempt"),
)


@dataclass(frozen=True)
class Hook:
    """A webhook of the stand-in, as the authorised webhooks' secret knows it."""

    uuid: str
    secret: str
    repository: str


@dataclass(frozen=True)
class Projects:
    """Where projects are added: one stack's Bitbucket, Batch and secrets."""

    bitbucket: Client
    batch: Any
    secretsmanager: Any
    s3: Any
    program: Path
    cache: Path
    webhook_url: str
    token: str

    def add(self, full_names: Sequence[str]) -> list[Hook]:
        """Add repositories; those that exist keep what they hold, and get this stack's webhook."""
        self.s3.create_bucket(
            Bucket=RESULTS_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        hooks = [self._add_repository(name) for name in full_names]
        written = {
            hook.uuid: {"secret": hook.secret, "repository": hook.repository} for hook in hooks
        }
        auth = {"kind": "access_token", "token": self.token}
        for name, content in ((HOOKS_SECRET, written), (AUTH_SECRET, auth)):
            self.secretsmanager.put_secret_value(SecretId=name, SecretString=json.dumps(content))
        auth_arn = self.secretsmanager.describe_secret(SecretId=AUTH_SECRET)["ARN"]
        for name in full_names:
            self._define_job(name, auth_arn)
        return hooks

    def _add_repository(self, full_name: str) -> Hook:
        self.bitbucket.create_repository(full_name)
        for old in self.bitbucket.hooks(full_name):  # those of stacks that have ended
            path = f"/2.0/repositories/{full_name}/hooks/{old['uuid']}"
            self.bitbucket.request("DELETE", path)
        secret = secrets.token_urlsafe(32)
        hook = self.bitbucket.add_hook(full_name, self.webhook_url, secret)
        return Hook(hook["uuid"].strip("{}"), secret, full_name)

    def _define_job(self, full_name: str, auth_arn: str) -> None:
        """Register the job definition: its command is fixed, the command's values parameters."""
        slug = full_name.split("/")[1]
        arguments = [word for option, name in _OPTIONS for word in (option, f"Ref::{name}")]
        environment = job_settings(self.bitbucket.url) | {"CLOUD_RUNNER_CACHE_DIR": str(self.cache)}
        self.batch.register_job_definition(
            jobDefinitionName=NAMES.job_definition(slug),
            type="container",
            containerProperties={
                "image": f"acme/{slug}",
                "command": ["python3", str(self.program), *arguments],
                "environment": [{"name": k, "value": v} for k, v in environment.items()],
                "secrets": [{"name": "BITBUCKET_AUTH", "valueFrom": auth_arn}],
                "resourceRequirements": [
                    {"type": "VCPU", "value": "1"},
                    {"type": "MEMORY", "value": "2048"},
                ],
            },
            # A user's failing stage runs once; only a lost machine is cured by another.
            retryStrategy={
                "attempts": 3,
                "evaluateOnExit": [
                    {"onStatusReason": "Host EC2*", "action": "RETRY"},
                    {"onReason": "*", "action": "EXIT"},
                ],
            },
            timeout={"attemptDurationSeconds": _JOB_TIMEOUT_SECONDS},
        )


def job_settings(bitbucket_url: str) -> dict[str, str]:
    """What every job of this stack is told beside its own run."""
    return {
        "BITBUCKET_GIT_URL": bitbucket_url,
        "BITBUCKET_API_URL": f"{bitbucket_url}/2.0",
        "CLOUD_RUNNER_PREFIX": "ACME",
        "CLOUD_RUNNER_RESULTS_URI": f"s3://{RESULTS_BUCKET}/runs",
        "CLOUD_RUNNER_TIMEOUT_SECONDS": str(_JOB_TIMEOUT_SECONDS),
    }


def push_example(bitbucket: Client, full_name: str, storage: Path) -> None:
    """Fill the repository with the example project, unless it holds commits already."""
    branches = subprocess.run(
        ["git", "ls-remote", "--heads", bitbucket.plain_git_url(full_name)],
        env=bitbucket.git_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    if branches.stdout:
        return
    with TemporaryDirectory() as folder:
        working_copy = Path(folder, "example")
        example.create(working_copy, str(storage))
        subprocess.run(
            ["git", "push", "--quiet", bitbucket.plain_git_url(full_name), "main"],
            cwd=working_copy,
            env=bitbucket.git_environment(),
            timeout=60,
            check=True,
        )


def job_program(folder: Path) -> Path:
    """The job's program as one file."""
    program = folder / "job.pyz"
    build_program(program)
    return program
