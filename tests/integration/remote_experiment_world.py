"""An account with a stack and one machine of moto's, whose agent is a small model of the real one.

What happens elsewhere happens in `meanwhile`: at each pause of the command the next of it, and time
goes on only there.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import moto.ec2  # noqa: F401 - it asks boto3 for its regions, as long as boto3 is itself
import pytest

from cli.account import Account
from cli.remote.agent_calls import Begun, Checked
from cli.remote.experiment import run_experiment
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.options import Action, Wanted
from cli.remote.waiting import Waiting
from cli.remote.work import find_work
from cli.runs.stack import RunsStack
from shared import machine_tags
from shared.events import Envelope, MachineReported
from shared.machine_runs import reported
from shared.names import Names
from shared.runs import Run
from tests.integration.runs_account import RunsAccount, empty, runs_account
from tests.samples import minutes

OUTPUTS = {
    "BatchEventsQueueUrl": "https://sqs.example/batch-events",
    "BitbucketApiUrl": "https://api.bitbucket.org/2.0",
    "BitbucketAuthSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
    "BitbucketGitUrl": "https://bitbucket.org",
}
WANTED = Wanted(actions=(Action.CREATE, Action.EXPERIMENT), module="train", arguments=("--fast",))


@dataclass
class Agent:
    """The agent of a machine: begins one experiment at a time, and can be hard to hear."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    busy: str | None = None
    # What `begin` raises instead of its answer, having begun or not.
    fails: BaseException | None = None
    begins: bool = True
    # Of what was cloned there.
    commit: str | None = None
    # What `check` raises.
    silent: Exception | None = None

    def begin(self, order: dict[str, Any]) -> Begun:
        """Begin an experiment."""
        self.orders.append(order)
        if self.busy is not None:
            return Begun(busy=self.busy)
        if self.begins:
            self.busy = order["run_id"]
        if self.fails is not None:
            raise self.fails
        return Begun(begun=True)

    def check(self) -> Checked:
        """How the machine is."""
        if self.silent is not None:
            raise self.silent
        return Checked(watchdog=True, busy=self.busy, commit=self.commit)


@dataclass
class World:
    """The account, its machine, and the command."""

    here: RunsAccount
    instance_id: str
    agent: Agent = field(default_factory=Agent)
    seconds: float = 0.0
    begun: list[Run] = field(default_factory=list)

    @property
    def stack(self) -> RunsStack:
        """The stack as the command has it."""
        return RunsStack.of(Account(Names("acme", "development"), self.here.here))

    @property
    def ec2(self) -> Ec2:
        """EC2 as the command has it."""
        return Ec2.of(self.stack.account)

    @property
    def machine(self) -> MachineFacts:
        """The machine as it is now."""
        machine = self.ec2.describe(self.instance_id)
        assert machine is not None
        return machine

    @property
    def run(self) -> Run:
        """The record of the one run that there is."""
        runs = [run for state in _STATES for run in self.here.store.latest(state)]
        assert len(runs) == 1
        return runs[0]

    def heard(self) -> list[Envelope]:
        """The events on the bus since the last time."""
        return self.here.sent("heard")

    def wait(self, seconds: float) -> None:
        """What the command does between two looks."""
        self.seconds += seconds
        self.here.pause(seconds)

    def report(self, state: Any, **said: Any) -> None:
        """What the services make of the machine's word."""
        run = self.run
        report = MachineReported(
            run_id=run.run_id, instance_id=self.instance_id, state=state, **said
        )
        self.here.store.change(run.run_id, lambda run: reported(run, report, datetime.now(UTC)))

    def tag(self, run_id: str) -> None:
        """Let the machine's tag name a run."""
        tags = [{"Key": machine_tags.RUN, "Value": run_id}]
        self.client.create_tags(Resources=[self.instance_id], Tags=tags)

    def end_machine(self) -> None:
        """The machine shuts itself down, which terminates it."""
        self.client.terminate_instances(InstanceIds=[self.instance_id])

    @property
    def client(self) -> Any:
        """EC2's client."""
        return self.here.here.client("ec2")

    def experiment(self, wanted: Wanted = WANTED) -> None:
        """Type the action."""
        stack = self.stack
        work = find_work(wanted, stack.account, stack.deployed)
        run_experiment(
            wanted, self.machine, self.agent, stack, work=work, on_begun=self.begun.append
        )

    def goes_well(self) -> list[Callable[[], object]]:
        """An experiment that succeeds, and a machine that ends itself."""
        return [
            lambda: self.report("running", started_at=datetime.now(UTC)),
            lambda: self.report("succeeded", exit_code=0, archive="s3://acme-data/remote/x.tar.gz"),
            lambda: None,
            lambda: None,
            lambda: None,
            self.end_machine,
        ]


# Any: moto makes a machine of an image that it does not know, too.
_IMAGE = "ami-12c6146b"
_STATES: tuple[Any, ...] = (
    "requested",
    "submitted",
    "running",
    "succeeded",
    "failed",
    "stopped",
)


@contextmanager
def remote_account() -> Iterator[RunsAccount]:
    """An account whose stack knows machines; to make its clients takes longer than a test."""
    with runs_account(OUTPUTS) as account:
        yield account


@contextmanager
def one_machine(account: RunsAccount, patch: pytest.MonkeyPatch, **tags: str) -> Iterator[World]:
    """The account without runs and with one machine, and waits that take no time."""
    with empty(account) as here:
        client = here.here.client("ec2")
        instance = client.run_instances(
            ImageId=_IMAGE,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {
                    "ResourceType": "instance",
                    "Tags": [
                        {
                            "Key": machine_tags.ENDS,
                            "Value": machine_tags.ends(datetime.now(UTC) + minutes(600)),
                        }
                    ],
                }
            ],
        )["Instances"][0]["InstanceId"]
        here.meanwhile, here._pauses = [], 0
        world = World(here, instance)
        waiting = Waiting(5, world.wait, lambda: world.seconds)
        patch.setattr("cli.remote.waiting.Waiting.on", lambda _account: waiting)
        pace = RunsStack.of(Account(Names("acme", "development"), here.here)).pace
        patch.setattr(
            "cli.runs.stack.RunsStack.pace", type(pace)(pace.seconds, pace.late_seconds, world.wait)
        )
        yield world
        client.terminate_instances(InstanceIds=[instance])


@contextmanager
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """An address on this machine, and what is posted there."""
    posted: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        """Takes what is posted."""

        def do_POST(self) -> None:
            """Take it."""
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", posted
        finally:
            server.shutdown()
            thread.join()
