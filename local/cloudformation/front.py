"""The front put together, from its settings to a port that answers."""

import contextlib
import io
import socket
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import urllib3

from local.aws import ACCOUNT, client
from local.cloudformation.aws_kinds import aws_kinds
from local.cloudformation.batch_kinds import batch_kinds
from local.cloudformation.custom_resources import answer
from local.cloudformation.kinds import Kind
from local.cloudformation.requests import Requests
from local.cloudformation.rewriting import Site
from local.cloudformation.stack_kind import NestedStacks
from local.cloudformation.storage import Storage
from local.cloudformation.web import Front
from local.serving import serving

_COURIER: Final = Path(__file__).with_name("courier.py")
# Five of them are a second: as patient as whoever waits for this part.
_TRIES: Final = 300
# How long the server takes at most to notice that it is to end.


@dataclass(frozen=True)
class Settings:
    """Before which emulator the front stands, where Batch is, and where HTTP APIs answer."""

    aws_endpoint_url: str
    batch_endpoint_url: str
    api_endpoint_url: str
    port: int = 0


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[int]:
    """The front, answering on the port given while the context lasts."""
    aws = settings.aws_endpoint_url
    with socket.create_server(("127.0.0.1", settings.port)) as listener:
        port = listener.getsockname()[1]
        kinds = _kinds(settings, port)
        _await(aws)
        storage = Storage(client("s3", aws))
        storage.prepare()
        site = Site(
            api_endpoint_url=settings.api_endpoint_url,
            service_token=_upload_courier(client("lambda", aws), port),
            seconds={kind: one.seconds for kind, one in kinds.items()},
        )
        previous = partial(_values, client("cloudformation", aws))
        front = Front(aws, Requests(storage, site, previous), partial(answer, kinds=kinds))
        with serving(front, listener, port):
            yield port


def _await(url: str) -> None:
    """Wait until somebody answers, as long as a part may take to start."""
    retries = urllib3.Retry(total=None, connect=_TRIES, backoff_factor=0.05, backoff_max=0.2)
    urllib3.request("GET", f"{url}/_ministack/health", retries=retries, timeout=2)


def _kinds(settings: Settings, port: int) -> Mapping[str, Kind]:
    """Everything that the front makes itself; a nested stack's template passes the front again."""
    aws = settings.aws_endpoint_url
    nested = NestedStacks(client("cloudformation", f"http://127.0.0.1:{port}"))
    return {
        **batch_kinds(client("batch", settings.batch_endpoint_url)),
        **aws_kinds(client("events", aws), client("ec2", aws)),
        "AWS::CloudFormation::Stack": nested,
    }


def _upload_courier(functions: Any, port: int) -> str:
    """Upload the function that brings events to the front on a port; its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("courier.py", _COURIER.read_text())
    made = functions.create_function(
        FunctionName=f"cloudformation-front-{port}",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/cloudformation-front",
        Handler="courier.handler",
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"FRONT_PORT": str(port)}},
        Timeout=30,
    )
    arn: str = made["FunctionArn"]
    return arn


def _values(cloudformation: Any, stack: str) -> dict[str, str]:
    """The parameters' values of a stack that exists."""
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])}
