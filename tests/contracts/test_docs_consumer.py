"""The sample consumer of docs/events.md on the embedded AWS, deployed and read as the page says."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import aws
from local.layout import PROJECT, StateDir, Tools
from local.parts import free_port
from shared.events import SOURCE
from tests.contracts.markdown import fences

PAGE = (PROJECT / "docs/events.md").read_text(encoding="utf-8")
BUS = "acme-development-cloud-runner"
SAMPLE = json.loads((PROJECT / "events/samples/RunStateChanged.json").read_text(encoding="utf-8"))
NOWHERE = "http://127.0.0.1:9"
ARCHIVE = """
Resources:
  Past:
    Type: AWS::Events::Archive
    Properties: {SourceArn: "arn:aws:events:eu-west-1:123456789012:event-bus/x"}
"""


@dataclass(frozen=True)
class Consumer:
    """The deployed sample, and the AWS that it is deployed to."""

    url: str
    queue_url: str
    rule_arn: str
    bus_arn: str

    def put(self, **changes: object) -> None:
        """Put the sample on the bus, changed."""
        detail = json.dumps(SAMPLE["detail"] | changes)
        event = {"EventBusName": BUS, "Source": SOURCE, "DetailType": SAMPLE["detail-type"]}
        answer = aws.client("events", self.url).put_events(Entries=[event | {"Detail": detail}])
        assert answer["FailedEntryCount"] == 0

    def read(self) -> list[str]:
        """What the page's reader prints."""
        (reader,) = fences(PAGE, "python")
        done = subprocess.run(
            [sys.executable, "-c", reader, self.queue_url],
            env=_environment(self.url),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


def _environment(url: str) -> dict[str, str]:
    # sam looks after a stack every five seconds by default.
    return aws.clean_environment() | {"AWS_ENDPOINT_URL": url, "SAM_CLI_POLL_DELAY": "0.2"}


def _deploy_command() -> list[str]:
    """The page's command for the embedded stack."""
    commands = [
        line
        for block in fences(PAGE, "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith(".venv/bin/sam deploy")
    ]
    (command,) = commands
    return shlex.split(command)


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    port = free_port()
    state = StateDir(tmp_path_factory.mktemp("stack"))
    state.aws.mkdir()
    part = aws.start_emulator(Tools(), NOWHERE, NOWHERE, port, state)
    try:
        url = f"http://127.0.0.1:{port}"
        bus_arn = aws.client("events", url).create_event_bus(Name=BUS)["EventBusArn"]
        deployed = subprocess.run(
            _deploy_command(),
            cwd=PROJECT,
            env=_environment(url),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        stacks = aws.client("cloudformation", url).describe_stacks(StackName="ended-runs")
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks["Stacks"][0]["Outputs"]}
        yield Consumer(url, outputs["QueueUrl"], outputs["RuleArn"], bus_arn)
    finally:
        part.end()


def test_docs_consumer_reads_each_end_of_a_run_once(consumer: Consumer) -> None:
    run_id = SAMPLE["detail"]["run_id"]
    consumer.put(version=4, state="running")
    consumer.put(version=5)
    consumer.put(version=5)
    consumer.put(version=9, attempt=2, state="succeeded")
    consumer.put(version=3, state="stopped")

    lines = consumer.read()

    # In whatever order the queue gives them: the newest is the last, and nothing is told twice.
    assert lines[-1] == f"{run_id} 2 succeeded exit code 1"
    assert len(lines) == len(set(lines))
    assert not [line for line in lines if "running" in line]


def test_docs_are_right_that_the_embedded_stack_archives_by_its_api_alone(
    consumer: Consumer,
) -> None:
    with pytest.raises(ClientError, match="AWS::Events::Archive"):
        aws.client("cloudformation", consumer.url).create_stack(
            StackName="past", TemplateBody=ARCHIVE
        )

    events = aws.client("events", consumer.url)
    start = datetime.now(UTC) - timedelta(minutes=5)
    archive = events.create_archive(ArchiveName="past", EventSourceArn=consumer.bus_arn)
    consumer.put(version=12)
    assert len(consumer.read()) == 1
    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime=start,
        EventEndTime=datetime.now(UTC) + timedelta(minutes=5),
        Destination={"Arn": consumer.bus_arn, "FilterArns": [consumer.rule_arn]},
    )

    assert _state(events) == "COMPLETED"
    assert len(consumer.read()) == 1


def _state(events: Any) -> str:
    """How the replay has ended."""
    deadline = time.monotonic() + 300
    while True:
        state: str = events.describe_replay(ReplayName="again")["State"]
        if state not in ("STARTING", "RUNNING") or time.monotonic() > deadline:
            return state
        time.sleep(0.1)


def test_docs_consumer_is_a_sound_template() -> None:
    done = subprocess.run(
        [PROJECT / ".venv/bin/cfn-lint", PROJECT / "docs/examples/consumer.yaml"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
