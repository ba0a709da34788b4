"""Machines of one's own on the running stack: what they are asked to run, and what comes of it."""

import io
import json
import socket
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
from werkzeug.wrappers import Request, Response

from local import aws
from local.machines.processes import marked
from local.machines.sandbox import ROOT_VARIABLE
from local.serving import serving
from shared import machine_tags
from shared.events import RunId, RunStateChanged
from shared.runs import Run
from tests.e2e.world import PATIENCE_SECONDS, World, until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STACK = "acme-development"
TYPE = "t3.micro"
# It says what it is given, waits for a file if it is told to, leaves results, and ends as told.
_STUDY = """
import json, pathlib, sys, time

learning_rate, code, *wait_for = sys.argv[1:]
print(f"learning rate {learning_rate}", flush=True)
while wait_for and not pathlib.Path(wait_for[0]).exists():
    time.sleep(0.1)
pathlib.Path("results").mkdir()
pathlib.Path("results/metrics.json").write_text(json.dumps({"rate": float(learning_rate)}))
print("the study is over", flush=True)
sys.exit(int(code))
"""


def study(folder: Path) -> str:
    """The address of a repository, of no Bitbucket, with a package `study`."""
    package = folder / "repository/study"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(_STUDY, encoding="utf-8")
    someone = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com")
    for command in (
        ("init", "--quiet", "--template=", "--initial-branch=main"),
        ("add", "--all"),
        (*someone, "commit", "--quiet", "--message", "A study"),
    ):
        subprocess.run(["git", *command], cwd=package.parent, check=True, timeout=PATIENCE_SECONDS)
    return f"file://{package.parent}"


def specification(folder: Path, **more: Any) -> str:
    """A file that says which machine to make."""
    file = folder / "launchSpecification.json"
    file.write_text(json.dumps({"ImageId": aws.MACHINE_IMAGE, "InstanceType": TYPE, **more}))
    return str(file)


@dataclass(frozen=True)
class Notices:
    """Somebody's server, and the notifications that it was sent."""

    url: str
    received: list[dict[str, Any]] = field(default_factory=list)

    def first(self) -> dict[str, Any]:
        """The first notification; the test fails if none comes."""
        assert until(lambda: self.received)
        return self.received[0]


@contextmanager
def notices() -> Iterator[Notices]:
    """A server of loopback that takes notifications, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = Notices(f"http://127.0.0.1:{port}/told")

        def application(environ: "WSGIEnvironment", respond: "StartResponse") -> Any:
            request = Request(environ)
            assert request.mimetype == "application/json"
            found.received.append(json.loads(request.get_data()))
            return Response(status=204)(environ, respond)

        with serving(application, listener, port):
            yield found


@contextmanager
def trouble(world: World, **trouble: Any) -> Iterator[None]:
    """Something that is wrong with a machine, until the end of the block."""
    url = f"{world.told['machines_endpoint_url']}/_control/troubles"
    _control("POST", url, trouble)
    try:
        yield
    finally:
        _control("DELETE", url)


def reclaim(world: World, machine: str, seconds: float) -> None:
    """Let a spot machine be taken away after some seconds, of which it hears now."""
    url = f"{world.told['machines_endpoint_url']}/_control/machines/{machine}/reclaim"
    _control("POST", url, {"seconds": seconds})


def age(world: World, machine: str, seconds: float) -> None:
    """Let a machine have been started so much earlier."""
    url = f"{world.told['machines_endpoint_url']}/_control/machines/{machine}/age"
    _control("POST", url, {"seconds": seconds})


def _control(method: str, url: str, told: Mapping[str, Any] | None = None) -> None:
    answer = urllib3.request(method, url, json=told, timeout=PATIENCE_SECONDS, retries=False)
    assert answer.status == 200, answer.data


def launched(world: World, name: str, ends_at: datetime, **tags: str) -> str:
    """A machine with our tags, which nobody watches over."""
    given = {
        machine_tags.NAME: name,
        machine_tags.STACK: STACK,
        machine_tags.MACHINE: machine_tags.CREATED,
        machine_tags.BY: "Someone",
        machine_tags.ENDS: machine_tags.ends(ends_at),
        machine_tags.AFTERWARDS: "terminate",
        **tags,
    }
    listed = [{"Key": key, "Value": value} for key, value in given.items()]
    answer = world.client("ec2").run_instances(
        ImageId=aws.MACHINE_IMAGE,
        InstanceType=TYPE,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": listed}],
    )
    found: str = answer["Instances"][0]["InstanceId"]
    assert until(lambda: instance(world, found)["State"]["Name"] == "running")
    return found


def instance(world: World, machine: str) -> dict[str, Any]:
    """What EC2 says of a machine."""
    (group,) = world.client("ec2").describe_instances(InstanceIds=[machine])["Reservations"]
    found: dict[str, Any] = group["Instances"][0]
    return found


def named(world: World, name: str) -> list[dict[str, Any]]:
    """The machines of a name, whatever their state."""
    wanted = [{"Name": "tag:Name", "Values": [name]}]
    groups = world.client("ec2").describe_instances(Filters=wanted)["Reservations"]
    return [one for group in groups for one in group["Instances"]]


def has_ended(world: World, machine: str) -> bool:
    """Whether a machine is terminated soon, and nothing of it runs any more."""
    ended = until(lambda: instance(world, machine)["State"]["Name"] == "terminated")
    return ended and not marked(ROOT_VARIABLE, str(disk(world, machine)))


def disk(world: World, machine: str) -> Path:
    """The directory that is a machine's disk."""
    return world.folder.resolve() / "state/machines" / machine


def run_of(world: World, machine: str) -> Run:
    """The record of the run that a machine has or had."""
    tags = {one["Key"]: one["Value"] for one in instance(world, machine)["Tags"]}
    run = world.runs.get(RunId(tags[machine_tags.RUN]))
    assert run is not None
    return run


def archive(world: World, address: str | None) -> Mapping[str, bytes]:
    """The files in an archive, by their paths there."""
    assert address is not None
    bucket, _, key = address.removeprefix("s3://").partition("/")
    stored = world.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(stored), mode="r:gz") as packed:
        files = {one.name: packed.extractfile(one) for one in packed if one.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


@contextmanager
def events(world: World, name: str) -> Iterator[Callable[[str], list[RunStateChanged]]]:
    """What the bus says of a run, by version, from now to the end of the block."""
    sqs, bus = world.client("sqs"), world.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    of_the_bus = {"EventBusName": world.told["event_bus"]}
    pattern = json.dumps({"detail-type": ["RunStateChanged"]})
    bus.put_rule(Name=name, EventPattern=pattern, **of_the_bus)
    bus.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}], **of_the_bus)
    heard: dict[tuple[str, int], RunStateChanged] = {}

    def of(run_id: str) -> list[RunStateChanged]:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                event = RunStateChanged.model_validate(json.loads(message["Body"])["detail"])
                heard[event.run_id, event.version] = event
        return [heard[key] for key in sorted(heard) if key[0] == run_id]

    try:
        yield of
    finally:
        bus.remove_targets(Rule=name, Ids=["queue"], **of_the_bus)
        bus.delete_rule(Name=name, **of_the_bus)
        sqs.delete_queue(QueueUrl=url)
