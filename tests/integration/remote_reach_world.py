"""A machine for the ways to reach it: EC2's word on it, and Systems Manager's agent in a folder."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.account import Account
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.waiting import Waiting
from shared.names import Names
from tests.fakes import Clock, refusal
from tests.samples import NOW, REGION, minutes

MACHINE_ID = "i-0123456789abcdef0"


def a_machine(**changes: Any) -> MachineFacts:
    """A machine that was launched at `NOW`."""
    facts: dict[str, Any] = {
        "instance_id": MACHINE_ID,
        "state": "running",
        "instance_type": "t3.micro",
        "market": "on-demand",
        "launched_at": NOW,
        "image_id": "ami-1",
        "zone": f"{REGION}a",
        "public_address": "machine.example.com",
    }
    return MachineFacts(**(facts | changes))


@dataclass
class Ec2Client:
    """EC2, as far as it tells of one machine."""

    state: str = "running"
    reason: str = ""
    console: str = ""
    latest: bool = True

    def describe_instances(self, **_asked: Any) -> dict[str, Any]:
        """The machine."""
        told = {
            "InstanceId": MACHINE_ID,
            "State": {"Name": self.state},
            "LaunchTime": NOW,
            "StateReason": {"Code": "x", "Message": self.reason},
        }
        return {"Reservations": [{"Instances": [told]}]}

    def get_console_output(self, *, InstanceId: str, Latest: bool = False) -> dict[str, Any]:  # noqa: N803 - botocore's names
        """What it has printed; boto3 has decoded it."""
        if Latest and not self.latest:
            raise refusal("UnsupportedOperation", 400, "GetConsoleOutput")
        return {"InstanceId": InstanceId, "Output": self.console} if self.console else {}


@dataclass
class Ssm:
    """Systems Manager with one machine, whose agent runs commands at once in `folder`.

    `runs` takes the place of that agent; it is given a script. GetCommandInvocation knows nothing
    of a command until it was asked `late` times.
    """

    folder: Path
    clock: Clock
    online_from: datetime = NOW
    known: bool = True
    late: int = 1
    runs: Callable[[str], tuple[int, bytes, bytes]] | None = None
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    polls: list[Exception] = field(default_factory=list)
    # What an invocation ends with instead of the script's end.
    ends: dict[str, Any] | None = None

    def describe_instance_information(self, *, Filters: Any) -> dict[str, Any]:  # noqa: N803 - botocore's names
        """The machine, if its agent has called since `online_from`."""
        if not self.known:
            return {"InstanceInformationList": []}
        online = self.clock.now >= self.online_from
        told = {
            "InstanceId": MACHINE_ID,
            "PingStatus": "Online",
            "LastPingDateTime": self.clock.now if online else NOW - minutes(60),
        }
        return {"InstanceInformationList": [told]}

    def send_command(self, **asked: Any) -> dict[str, Any]:
        """Run a command, and keep what it came to."""
        self.sent.append(asked)
        if self.failures:
            raise self.failures.pop(0)
        command = f"command-{len(self.sent)}"
        self.commands[command] = self.ends or self._run(asked["Parameters"])
        return {"Command": {"CommandId": command}}

    def get_command_invocation(self, *, CommandId: str, InstanceId: str) -> dict[str, Any]:  # noqa: N803 - botocore's names
        """What a command came to."""
        if self.polls:
            raise self.polls.pop(0)
        if self.late:
            self.late -= 1
            raise refusal("InvocationDoesNotExist", 400, "GetCommandInvocation")
        return self.commands[CommandId]

    def _run(self, parameters: dict[str, list[str]]) -> dict[str, Any]:
        script = "\n".join(parameters["commands"])
        code, stdout, stderr = (self.runs or self._shell)(script)
        status = "Failed" if code else "Success"
        return {
            "Status": status,
            "StatusDetails": status,
            "ResponseCode": code,
            # API reference, GetCommandInvocation: so many characters of each.
            "StandardOutputContent": stdout.decode()[:24_000],
            "StandardErrorContent": stderr.decode()[:8_000],
        }

    def _shell(self, script: str) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(self.folder)},
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def ec2_of(client: Any, clock: Clock, meanwhile: Callable[[], object] = lambda: None) -> Ec2:
    """EC2 with waits that take no time; at each, something else may happen."""

    def sleep(seconds: float) -> None:
        clock.advance(seconds)
        meanwhile()

    account = Account(Names("acme", "development"), session=None)
    return Ec2(account, client, Waiting(5, sleep, clock.seconds))
