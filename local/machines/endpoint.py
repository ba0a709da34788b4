"""The endpoint put together, from its settings to a port that answers."""

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import urllib3
from botocore.exceptions import ClientError
from werkzeug.wrappers import Request, Response

from local import aws
from local.machines.commands import Commands
from local.machines.ec2 import Ec2
from local.machines.ec2_launching import Launched
from local.machines.fleet import Fleet
from local.machines.machine import Inside
from local.machines.place import prepared
from local.machines.sandbox import Sandbox
from local.machines.ssm import SystemsManager
from local.machines.troubles import Troubles
from local.machines.web import Endpoint
from local.serving import serving

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FORWARD_SECONDS: Final = 30
# What is said about a connection, or about a body as it was.
_NOT_FORWARDED: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})


@dataclass(frozen=True)
class Settings:
    """How the endpoint is started.

    `job_path` is put before the system's PATH of machines, and `python` is their `python3`. `grace`
    is how long one may take to shut down, in seconds.
    """

    state_dir: Path
    aws_endpoint_url: str
    batch_endpoint_url: str
    job_path: str
    python: Path
    grace: float
    port: int = 0


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[int]:
    """The endpoint, answering on the port given while the context lasts; its machines end then."""
    prepared(aws.ACCOUNT, aws.REGION)
    with socket.create_server(("127.0.0.1", settings.port)) as listener:
        port = listener.getsockname()[1]
        fleet = Fleet(partial(_inside, settings, port), Troubles(), settings.grace)
        launched: Launched = {}
        knows_profile = partial(_knows_profile, aws.client("iam", settings.aws_endpoint_url))
        application = Endpoint(
            fleet,
            lambda: Ec2(fleet, launched, knows_profile),
            SystemsManager(fleet, Commands()),
            partial(_forward, settings.aws_endpoint_url),
            aws.REGION,
        )
        try:
            with serving(application, listener, port):
                yield port
        finally:
            fleet.leave()


def _inside(settings: Settings, port: int, instance_id: str) -> Inside:
    """The inside of a new machine: a sandbox that finds the embedded AWS, and Batch's programs."""
    here = f"http://127.0.0.1:{port}"
    environment = {
        **aws.endpoint_environment(settings.aws_endpoint_url, settings.batch_endpoint_url, here),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{here}/_metadata/{instance_id}/",
        "PATH": os.pathsep.join(filter(None, (settings.job_path, _SYSTEM_PATH))),
        "LANG": "C.UTF-8",
    }
    return Sandbox(settings.state_dir / instance_id, environment, str(settings.python))


def _knows_profile(iam: Any, name: str) -> bool:
    try:
        iam.get_instance_profile(InstanceProfileName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return False
    return True


def _forward(aws_endpoint_url: str, request: Request) -> Response:
    """What the emulator answers."""
    answer = urllib3.request(
        request.method,
        f"{aws_endpoint_url}{request.full_path.removesuffix('?')}",
        body=request.get_data(),
        headers={k: v for k, v in request.headers if k.lower() not in _NOT_FORWARDED},
        timeout=_FORWARD_SECONDS,
        retries=False,
    )
    kept = {"content-type", "x-amzn-requestid"}
    headers = [(k, v) for k, v in answer.headers.items() if k.lower() in kept]
    return Response(answer.data, answer.status, headers)
