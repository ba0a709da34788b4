"""Machines asked after and ended through botocore's own client, at moto's EC2."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from shared import machine_tags
from shared.aws import Clients
from shared.machines import GRACE, Machines
from tests.samples import NAMES, REGION
from tests.samples_machines import ANOTHER, ENDS_AT

IMAGE = "ami-12c6146b"  # one that moto has


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of moto's EC2, made as the services make it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield Clients(REGION).make("ec2")


def launch(ec2: Any, **tags: str) -> str:
    """A running machine of the stack's, with these tags besides."""
    ours = {
        machine_tags.STACK: NAMES.stack,
        machine_tags.MACHINE: machine_tags.CREATED,
        machine_tags.ENDS: machine_tags.ends(ENDS_AT),
        **{getattr(machine_tags, name): value for name, value in tags.items()},
    }
    answer = ec2.run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": key, "Value": value} for key, value in ours.items()],
            }
        ],
    )
    instance_id: str = answer["Instances"][0]["InstanceId"]
    return instance_id


def test_a_machine_is_described_and_an_unknown_one_left_out(ec2: Any) -> None:
    instance_id = launch(ec2, AFTERWARDS="keep")

    known = Machines(ec2).describe([instance_id, ANOTHER])

    assert set(known) == {instance_id}
    assert known[instance_id].live
    assert (known[instance_id].ends_at, known[instance_id].afterwards) == (ENDS_AT, "keep")


@pytest.mark.parametrize(
    ("afterwards", "state"),
    [("terminate", "terminated"), ("stop", "stopped"), ("keep", "stopped")],
)
def test_a_machine_ends_as_it_was_to_end(ec2: Any, afterwards: Any, state: str) -> None:
    instance_id = launch(ec2)
    machines = Machines(ec2)

    machines.end(instance_id, afterwards)
    machines.end(instance_id, afterwards)

    machine = machines.describe([instance_id])[instance_id]
    assert machine.over
    assert machine.state.name == state
    assert machine.state_reason.code == "Client.UserInitiatedShutdown"


@pytest.mark.parametrize("afterwards", ["terminate", "stop"])
def test_a_machine_that_ec2_does_not_know_has_ended(ec2: Any, afterwards: Any) -> None:
    Machines(ec2).end(ANOTHER, afterwards)


def test_only_overdue_machines_of_the_stack_are_found(ec2: Any) -> None:
    late = launch(ec2, AFTERWARDS="terminate")
    launch(ec2, STACK="acme-production")
    launch(ec2, ENDS="whenever")
    stopped = launch(ec2)
    Machines(ec2).end(stopped, "stop")
    # moto says that a machine was launched when it was, by a clock that may be past its end.
    launched_at = Machines(ec2).describe([late])[late].launched_at
    assert launched_at is not None
    since = max(ENDS_AT, launched_at)

    (found,) = Machines(ec2).overdue(NAMES.stack, since + GRACE)

    assert (found.instance_id, found.ends_at, found.afterwards) == (late, ENDS_AT, "terminate")
    assert list(Machines(ec2).overdue(NAMES.stack, since)) == []
