"""The sample consumer of docs/events.md, deployed beside the stack, hears of every run."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.layout import PROJECT
from shared.events import RunStateChanged
from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import World, until

CONSUMER = PROJECT / "docs/examples/consumer.yaml"


def _received(world: World, url: str) -> Iterator[dict[str, Any]]:
    sqs = world.client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            yield json.loads(message["Body"])


def test_the_sample_consumer_hears_how_a_run_ended_and_hears_it_again_in_a_replay(
    world: World, tmp_path: Path
) -> None:
    queue, rule = _deployed_consumer(world)
    # The template's own archive is left out here: MiniStack takes one by its API alone.
    events = world.client("events")
    bus = events.describe_event_bus(Name=world.told["event_bus"])["Arn"]
    archive = events.create_archive(ArchiveName="sample", EventSourceArn=bus)["ArchiveArn"]
    begun = datetime.now(UTC) - timedelta(seconds=5)
    trivial_job(world, ["true"])
    clone = world.clone(TRIVIAL, tmp_path / "clone")
    commit = clone.push("Heard\n\n:ACME_RUN: a b\n:ACME_VCPUS: 1\n", "heard")
    assert world.final_status(TRIVIAL, commit)[0] == "SUCCESSFUL"

    def hear() -> list[RunStateChanged]:
        told = [RunStateChanged.model_validate(e["detail"]) for e in _received(world, queue)]
        return [event for event in told if event.commit == commit]

    heard = until(hear)
    assert {event.state for event in heard} == {"succeeded"}
    (version,) = {event.version for event in heard}
    last = heard[-1]
    assert (last.attempt, last.try_number, last.branch) == (1, 1, "heard")
    assert (last.asked.arguments, last.asked.vcpus) == ("a b", 1)
    assert last.repository is not None
    assert last.repository.full_name == TRIVIAL
    assert last.pushed_by.name
    assert last.job is not None
    assert last.job.id
    assert None not in (last.created_at, last.submitted_at, last.started_at, last.stopped_at)
    assert last.exit_code == 0

    events.start_replay(
        ReplayName="sample",
        EventSourceArn=archive,
        EventStartTime=begun,
        EventEndTime=datetime.now(UTC) + timedelta(seconds=5),
        Destination={"Arn": bus, "FilterArns": [rule]},
    )
    again = until(hear)
    assert {event.version for event in again} == {version}


def _deployed_consumer(world: World) -> tuple[str, str]:
    """The consumer's queue and rule."""
    cloudformation = world.client("cloudformation")
    cloudformation.create_stack(
        StackName="sample-consumer",
        TemplateBody=CONSUMER.read_text(),
        Parameters=[{"ParameterKey": "EventBusName", "ParameterValue": world.told["event_bus"]}],
    )

    def made() -> dict[str, Any] | None:
        (stack,) = cloudformation.describe_stacks(StackName="sample-consumer")["Stacks"]
        return dict(stack) if stack["StackStatus"] == "CREATE_COMPLETE" else None

    stack = until(made)
    assert stack is not None, cloudformation.describe_stack_events(StackName="sample-consumer")
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    return outputs["QueueUrl"], outputs["RuleArn"]
