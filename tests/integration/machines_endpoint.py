"""EC2 and Systems Manager of the embedded stack, beside an emulator, for the tests of a module."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from local import aws
from local.layout import StateDir, Tools
from local.parts import Part, ready_port
from tests.integration.embedded_s3 import NOWHERE, emulator

PROFILE = "machines"
Answer = TypeVar("Answer")


def until(look: Callable[[], Answer], *, seconds: float = 120) -> Answer:
    """What `look` answers once that is true, or at the latest after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


@dataclass(frozen=True)
class Region:
    """A running endpoint, and clients of what it answers."""

    url: str
    part: Part
    state: StateDir
    ec2: Any
    ssm: Any
    emulator_url: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask a route under `/_control/`."""
        given = {} if body is None else {"json": body}
        url = f"{self.url}/_control/{path}"
        answer = urllib3.request(method, url, timeout=60, retries=False, **given)
        assert answer.status == 200, answer.data
        return answer.json()

    @contextmanager
    def trouble(self, **trouble: Any) -> Iterator[None]:
        """A trouble in force, until the end of the block."""
        self.control("POST", "troubles", trouble)
        try:
            yield
        finally:
            self.control("DELETE", "troubles")

    def launch(self, user_data: str | bytes = "", **more: Any) -> str:
        """The id of a new machine with a role."""
        launched = self.ec2.run_instances(
            MinCount=1, MaxCount=1, **wanted(more), UserData=user_data
        )
        found: str = launched["Instances"][0]["InstanceId"]
        return found

    def instance(self, instance_id: str) -> dict[str, Any]:
        """What EC2 says of a machine."""
        (group,) = self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
        found: dict[str, Any] = group["Instances"][0]
        return found

    def state_of(self, instance_id: str) -> str:
        """Its state."""
        name: str = self.instance(instance_id)["State"]["Name"]
        return name

    def becomes(self, instance_id: str, state: str) -> bool:
        """Whether it comes into a state soon."""
        return until(lambda: self.state_of(instance_id) == state)

    def disk(self, instance_id: str) -> Path:
        """The directory that is a machine's disk."""
        return self.state.machines / instance_id

    def online(self, instance_id: str) -> bool:
        """Whether Systems Manager knows it."""
        wanted = [{"Key": "InstanceIds", "Values": [instance_id]}]
        return bool(
            self.ssm.describe_instance_information(Filters=wanted)["InstanceInformationList"]
        )

    def run(self, instance_id: str, *commands: str, **more: Sequence[str]) -> dict[str, Any]:
        """What a command that was sent to a machine came to."""
        assert until(lambda: self.online(instance_id))
        sent = self.ssm.send_command(
            InstanceIds=[instance_id],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": list(commands), **more},
        )["Command"]

        def ended() -> dict[str, Any] | None:
            told: dict[str, Any] = self.ssm.get_command_invocation(
                CommandId=sent["CommandId"], InstanceId=instance_id
            )
            return told if told["Status"] not in ("Pending", "InProgress") else None

        found = until(ended)
        assert found is not None
        return found


def wanted(more: Mapping[str, Any]) -> dict[str, Any]:
    """A launch, with what it is asked for besides."""
    return {
        "ImageId": aws.MACHINE_IMAGE,
        "InstanceType": "t3.micro",
        "IamInstanceProfile": {"Name": PROFILE},
        **more,
    }


@contextmanager
def region(folder: Path) -> Iterator[Region]:
    """An endpoint and its emulator, until the end of the block."""
    state = StateDir(folder)
    for made in (state.aws, state.machines):
        made.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ends:
        aws_part, emulator_url = emulator(state)
        ends.callback(aws_part.end)
        part = aws.start_machines(Tools(), emulator_url, NOWHERE, state)
        ends.callback(part.end)
        aws.client("iam", emulator_url).create_instance_profile(InstanceProfileName=PROFILE)
        url = f"http://127.0.0.1:{ready_port(part)}"
        yield Region(url, part, state, aws.client("ec2", url), aws.client("ssm", url), emulator_url)
