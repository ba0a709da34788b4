"""The embedded AWS: MiniStack, started in its own bare environment, and clients for it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import urllib3
from botocore.config import Config

from local.layout import PROJECT, StateDir, Tools
from local.parts import Part, start, wait_until

# MiniStack takes an access key of twelve digits as the account's number.
ACCOUNT = "123456789012"
REGION = "eu-west-1"
# What machines of one's own are made of, an ImageId; the same at every start.
MACHINE_IMAGE = "ami-0c10ad4a7e21b3f58"
# What local/machines answers.
_OF_MACHINES = ("ec2", "pricing", "ssm")


def credentials() -> dict[str, str]:
    """The variables by which any AWS SDK or CLI is somebody in the embedded account."""
    return {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def clean_environment() -> dict[str, str]:
    """Our environment without a trace of the user's own AWS account."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return ours | credentials() | {"SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}


def start_emulator(
    tools: Tools, batch_url: str, machines_url: str, port: int, state: StateDir
) -> Part:
    """Start MiniStack; the functions that it runs find Batch and EC2 at our endpoints."""
    environment = clean_environment() | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        # Whose request it is that comes without credentials, such as a webhook's.
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        # These would listen on ports of their own.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        # Longer than anybody works: a process that has to start again does so when it is needed.
        "LAMBDA_WARM_TTL_SECONDS": str(24 * 60 * 60),
        "AWS_ENDPOINT_URL_BATCH": batch_url,
        "AWS_ENDPOINT_URL_EC2": machines_url,
        # Its functions would else see packages of the user's site directory.
        "PYTHONNOUSERSITE": "1",
        # It unpacks the layer there for each function, and leaves that behind if it is killed.
        "TMPDIR": str(state.aws),
    }
    environment.pop("PYTHONPATH", None)
    argv = [str(tools.emulator_python), "-m", "ministack"]
    part = start("aws", argv, env=environment, cwd=state.aws, logs=state.logs)
    health = f"http://127.0.0.1:{port}/_ministack/health"
    wait_until(part, lambda: _answers(health))
    return part


def client(service: str, endpoint_url: str) -> Any:
    """A boto3 client of the embedded account."""
    known = credentials()
    session: Any = boto3.Session(
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=30)
    return session.client(service, endpoint_url=endpoint_url, config=config)


def _answers(url: str) -> bool:
    try:
        answer = urllib3.request("GET", url, timeout=2, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


@dataclass(frozen=True)
class Endpoints:
    """Where the services of the embedded account are."""

    aws: str
    batch: str
    cloudformation: str
    machines: str

    def url(self, service: str) -> str:
        """Where a service is."""
        elsewhere = {
            "batch": self.batch,
            "cloudformation": self.cloudformation,
            **dict.fromkeys(_OF_MACHINES, self.machines),
        }
        return elsewhere.get(service, self.aws)

    def client(self, service: str) -> Any:
        """A boto3 client of a service."""
        return client(service, self.url(service))

    def environment(self) -> Mapping[str, str]:
        """The variables that point an AWS SDK or CLI at them."""
        elsewhere = {"cloudformation": self.cloudformation}
        elsewhere |= dict.fromkeys(_OF_MACHINES, self.machines)
        return {
            **endpoint_environment(self.aws, self.batch, self.machines),
            **{f"AWS_ENDPOINT_URL_{name.upper()}": url for name, url in elsewhere.items()},
        }


def endpoint_environment(aws: str, batch: str, machines: str) -> Mapping[str, str]:
    """The variables that point a function, a job or a machine at the stack."""
    return credentials() | {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ENDPOINT_URL_BATCH": batch,
        "AWS_ENDPOINT_URL_EC2": machines,
    }


def start_machines(
    tools: Tools, aws_url: str, batch_url: str, state: StateDir, *, port: int = 0
) -> Part:
    """Start EC2 and Systems Manager, on a free port or this one; machines run what jobs can run."""
    return start(
        "machines",
        [
            *(sys.executable, "-m", "local.machines", "--state-dir", str(state.machines)),
            *("--aws-endpoint-url", aws_url, "--batch-endpoint-url", batch_url),
            *("--job-path", str(tools.job_environment / "bin")),
            *("--python", str(tools.job_environment / "bin/python"), "--port", str(port)),
        ],
        env=clean_environment(),
        cwd=PROJECT,
        logs=state.logs,
    )


def start_gateway(aws_url: str, state: StateDir) -> Part:
    """Start the front of the emulator's HTTP APIs."""
    return start(
        "gateway",
        [sys.executable, "-m", "local.gateway", "--aws-endpoint-url", aws_url],
        env=clean_environment(),
        cwd=PROJECT,
        logs=state.logs,
    )


def start_cloudformation(aws_url: str, batch_url: str, api_url: str, state: StateDir) -> Part:
    """Start the front of the emulator's CloudFormation, which waits for the emulator itself.

    `api_url` is where the HTTP APIs of what it deploys answer.
    """
    urls = [
        *("--aws-endpoint-url", aws_url, "--batch-endpoint-url", batch_url),
        *("--api-endpoint-url", api_url),
    ]
    return start(
        "cloudformation",
        [sys.executable, "-m", "local.cloudformation", *urls],
        env=clean_environment(),
        cwd=PROJECT,
        logs=state.logs,
    )
