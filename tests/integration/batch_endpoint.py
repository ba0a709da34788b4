"""A Batch endpoint for a test: started as a program, seen through a real boto3 client."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from local import tether

Found = TypeVar("Found")

REGION = "eu-west-1"
ACCOUNT = "123456789012"
FINAL = ("SUCCEEDED", "FAILED")


def wait_for(look: Callable[[], Found | None], seconds: float = 120) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def client(service: str, url: str) -> Any:
    """A boto3 client that tries once."""
    return boto3.session.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key="test", region_name=REGION
    ).client(  # type: ignore[call-overload] # the stubs want a literal name
        service,
        endpoint_url=url,
        config=Config(connect_timeout=60, read_timeout=120, retries={"total_max_attempts": 1}),
    )


@dataclass(frozen=True)
class RunningEndpoint:
    """An endpoint that answers, with a queue named `queue`."""

    process: "subprocess.Popen[bytes]"
    url: str
    state_dir: Path
    batch: Any

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route; answer what it answers."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def define(self, command: list[str], name: str = "train", **members: Any) -> str:
        """Register a job definition; answer its ARN."""
        container = {"image": "none", "command": command, "resourceRequirements": REQUIREMENTS}
        arn: str = self.batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            containerProperties=container | members.pop("containerProperties", {}),
            **members,
        )["jobDefinitionArn"]
        return arn

    def submit(self, name: str = "job", definition: str = "train", **members: Any) -> str:
        """Submit a job; answer its id."""
        job_id: str = self.batch.submit_job(
            jobName=name, jobQueue="queue", jobDefinition=definition, **members
        )["jobId"]
        return job_id

    def run(self, command: list[str], **members: Any) -> Any:
        """Run a command as a job to its end; answer its detail."""
        return self.ended(self.submit(definition=self.define(command), **members))

    def job(self, job_id: str) -> Any:
        """A job's detail."""
        (detail,) = self.batch.describe_jobs(jobs=[job_id])["jobs"]
        return detail

    def in_status(self, job_id: str, *statuses: str) -> Any:
        """A job's detail once it is in one of these states."""
        return wait_for(lambda: one if (one := self.job(job_id))["status"] in statuses else None)

    def ended(self, job_id: str) -> Any:
        """A job's detail once it has ended."""
        return self.in_status(job_id, *FINAL)

    def output(self, detail: Any) -> str:
        """What a job's last try wrote."""
        stream = detail["container"]["logStreamName"]
        return (self.state_dir / "logs" / f"{stream}.log").read_text()


REQUIREMENTS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]


@contextlib.contextmanager
def started(
    state_dir: Path, *options: str, aws_endpoint_url: str = "", with_queue: bool = True
) -> Iterator[RunningEndpoint]:
    """An endpoint as a program, ended with the context."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": aws_endpoint_url,
    }
    process = tether.start(
        [sys.executable, "-m", "local.batch", "--state-dir", str(state_dir), *options],
        env=environment,
        cwd=Path.cwd(),
        stdout=subprocess.PIPE,
        stderr=None,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        url = f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        endpoint = RunningEndpoint(process, url, state_dir, client("batch", url))
        if with_queue:
            make_queue(endpoint.batch)
        yield endpoint
        endpoint.batch.close()
    finally:
        process.terminate()
        process.stdin.close()
        process.wait(120)
        process.stdout.close()


def make_queue(batch: Any, name: str = "queue") -> None:
    """A queue over a compute environment."""
    batch.create_compute_environment(computeEnvironmentName=f"{name}-machines", type="UNMANAGED")
    order = [{"order": 1, "computeEnvironment": f"{name}-machines"}]
    batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
