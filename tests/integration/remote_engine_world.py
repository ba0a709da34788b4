"""An account of moto's in which `remote` is typed, with an EC2 that can fail and a model of agents.

Time passes only while the command waits; what happens meanwhile is in `meanwhile`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

# It asks boto3 for its regions, as long as boto3 is itself.
from moto.ec2.models import ec2_backends

from cli.remote.commands import remote
from cli.remote.reach import Answer, Unreachable
from cli.remote.waiting import Waiting
from shared import machine_tags
from tests.integration.runs_account import RunsAccount, Typed, empty, runs_account
from tests.samples import REGION

# click's own code of an interruption; `cli.main` has another.
INTERRUPTED = 1
PROFILE = "acme-development-machine"
OUTPUTS = {
    "BatchEventsQueueUrl": "https://sqs.example/batch-events",
    "BitbucketApiUrl": "https://api.bitbucket.org/2.0",
    "BitbucketAuthSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
    "BitbucketGitUrl": "https://bitbucket.org",
    "MachineProfileName": PROFILE,
}


def error(code: str, message: str = "said", status: int = 400) -> ClientError:
    """What botocore raises for an answer of EC2's with an error code."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Any")


class Ec2Client:
    """moto's EC2, whose operations can fail: before they are done, or with their answer lost."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # By method: what is raised instead of being done, as long as it is here.
        self.refuses: dict[str, BaseException] = {}
        # By method: what happens when it is called, before it is done.
        self.before: dict[str, Callable[[], object]] = {}
        # By method: what is raised though it has been done.
        self.loses: dict[str, BaseException] = {}
        # By method: what is made of its answer.
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found) or name == "get_paginator":
            return found

        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            self.before.get(name, lambda: None)()
            if name in self.refuses:
                raise self.refuses[name]
            answer = found(**arguments)
            if name in self.loses:
                raise self.loses[name]
            return self.answers.get(name, lambda answer: answer)(answer)

        return call

    def modify_instance_attribute(
        self,
        InstanceId: str,  # noqa: N803 - botocore's name
        InstanceInitiatedShutdownBehavior: dict[str, str],  # noqa: N803 - the same
    ) -> None:
        """What shutting a machine down means, which moto forgets."""
        machine = ec2_backends["123456789012"][REGION].get_instance(InstanceId)
        machine.instance_initiated_shutdown_behavior = InstanceInitiatedShutdownBehavior["Value"]

    def cancel_spot_instance_requests(
        self,
        SpotInstanceRequestIds: list[str],  # noqa: N803 - botocore's name
    ) -> None:
        """Cancel requests; moto makes none for RunInstances."""
        name = "cancel_spot_instance_requests"
        self.calls.append((name, {"SpotInstanceRequestIds": SpotInstanceRequestIds}))

    def cancelled(self) -> list[dict[str, Any]]:
        """The spot requests that were cancelled."""
        name = "cancel_spot_instance_requests"
        return [arguments for method, arguments in self.calls if method == name]

    def asked(self, name: str) -> dict[str, Any]:
        """The arguments of the one call of a method."""
        (found,) = [arguments for method, arguments in self.calls if method == name]
        return found


@dataclass
class AgentModel:
    """The agents of all machines, behind whatever reaches them."""

    unreachable: str | None = None
    # Whether the user data has started a watchdog.
    watched: bool = True
    installed: bool = True
    refuses_to_arm: bool = False
    refuses_to_set_up: bool = False
    busy: str | None = None
    terms: dict[str, Any] = field(default_factory=dict)
    prepared: list[dict[str, Any]] = field(default_factory=list)
    # What a call raises, by its command.
    raises: dict[str, BaseException] = field(default_factory=dict)

    def ready(self, seconds: float) -> None:
        """Whether it can be reached."""
        del seconds
        if self.unreachable is not None:
            raise Unreachable(self.unreachable)

    def run(self, script: str, *, given: bytes = b"", seconds: float) -> Answer:
        """What a script of `agent_calls` comes to."""
        del seconds
        command = script.rsplit(maxsplit=1)[-1] if "exec python3" in script else "install"
        if command in self.raises:
            raise self.raises[command]
        said: dict[str, Any] = getattr(self, f"_{command}")(
            json.loads(given or b"{}") if command != "install" else given
        )
        if "error" in said:
            return Answer(1, "", said["error"])
        return Answer(0, json.dumps(said), "")

    def _install(self, _program: bytes) -> dict[str, Any]:
        self.installed = True
        return {}

    def _check(self, _given: Any) -> dict[str, Any]:
        if not self.installed:
            return {"error": "can't open file agent.pyz"}
        ends_at = machine_tags.ends(self.ends_at()) if self.watched else None
        return {"watchdog": self.watched, "ends_at": ends_at, "busy": self.busy}

    def _arm(self, terms: Any) -> dict[str, Any]:
        if self.refuses_to_arm:
            return {"error": "there is no python3"}
        self.terms = terms
        self.watched = True
        return {"watchdog": True, "ends_at": machine_tags.ends(self.ends_at())}

    def _setup(self, wanted: Any) -> dict[str, Any]:
        if self.refuses_to_set_up:
            return {"error": "docker is not installed"}
        self.prepared.append(wanted)
        return {}

    def ends_at(self) -> datetime:
        """When the watchdog ends its machine."""
        return datetime.now(UTC) + timedelta(seconds=self.terms.get("max_seconds", 7200))


@dataclass
class World:
    """The account, its EC2, the agents of its machines, and the command."""

    account: RunsAccount
    ec2: Ec2Client
    folder: Path
    # An image that runs Linux.
    image: str
    agent: AgentModel = field(default_factory=AgentModel)
    seconds: float = 0.0
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        """What the command does between two looks."""
        self.seconds += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def specification(self, **fields: Any) -> str:
        """A file with a launch specification; a field that is None is left out."""
        whole = {"ImageId": self.image, "InstanceType": "t3.micro", **fields}
        path = self.folder / "launch.json"
        path.write_text(json.dumps({k: v for k, v in whole.items() if v is not None}))
        return str(path)

    def type(self, *words: str, answers: str = "", code: int = 0) -> Typed:
        """Type a command of the group `remote`."""
        result = CliRunner(mix_stderr=False).invoke(remote, words, input=answers)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        typed = Typed(result.stdout, result.stderr)
        assert result.exit_code == code, typed.output
        return typed

    def create(self, *words: str, code: int = 0, **fields: Any) -> Typed:
        """Type `create` with a specification of these fields."""
        return self.type("create", *words, "--launchspec", self.specification(**fields), code=code)

    def machines(self) -> list[dict[str, Any]]:
        """All machines as EC2 describes them."""
        pages = self.ec2._client.describe_instances()["Reservations"]
        return [one for page in pages for one in page["Instances"]]

    def machine(self) -> dict[str, Any]:
        """The one that there is."""
        (machine,) = self.machines()
        return machine

    def tags(self) -> dict[str, str]:
        """Its tags."""
        return {tag["Key"]: tag["Value"] for tag in self.machine()["Tags"]}

    def states(self) -> list[str]:
        """The state of each machine."""
        return [machine["State"]["Name"] for machine in self.machines()]

    def shutdown(self) -> str:
        """What shutting the one machine down means."""
        value: str = self.ec2._client.describe_instance_attribute(
            InstanceId=self.machine()["InstanceId"], Attribute="instanceInitiatedShutdownBehavior"
        )["InstanceInitiatedShutdownBehavior"]["Value"]
        return value

    def given(self, *, stopped: bool = False, **arguments: Any) -> str:
        """A machine that somebody else has made, and where nobody has put an agent; its id."""
        self.agent.installed = self.agent.watched = False
        client = self.ec2._client
        made = client.run_instances(
            ImageId=self.image, InstanceType="t3.micro", MinCount=1, MaxCount=1, **arguments
        )
        instance_id: str = made["Instances"][0]["InstanceId"]
        if stopped:
            client.stop_instances(InstanceIds=[instance_id])
        return instance_id

    def tagged(self, instance_id: str, tags: Mapping[str, str]) -> str:
        """The same machine, with more tags."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.ec2._client.create_tags(Resources=[instance_id], Tags=listed)
        return instance_id


Worlds = Callable[[Path], AbstractContextManager[World]]


@contextmanager
def engine_world() -> Iterator[Worlds]:
    """An account; called with a folder it gives a world without machines, again and again."""
    with runs_account(OUTPUTS) as account, pytest.MonkeyPatch.context() as patch:
        iam = account.here.client("iam")
        iam.create_instance_profile(InstanceProfileName=PROFILE)
        client = account.here.client("ec2")

        images = client.describe_images()["Images"]
        image = next(one["ImageId"] for one in images if one.get("Platform") != "windows")

        @contextmanager
        def world(folder: Path) -> Iterator[World]:
            with empty(account):
                found = World(account, Ec2Client(client), folder, image)
                account.here.clients["ec2"] = found.ec2
                waiting = Waiting(3.0, found.wait, lambda: found.seconds)
                patch.setattr(Waiting, "on", classmethod(lambda *_: waiting))
                patch.setattr("cli.remote.course.reach_for", lambda *_: found.agent)
                yield found
                ids = [machine["InstanceId"] for machine in found.machines()]
                if ids:
                    client.terminate_instances(InstanceIds=ids)
                # EC2 remembers a machine for an hour; a test has its own.
                for backend in ec2_backends["123456789012"].values():
                    backend.reservations.clear()

        yield world
