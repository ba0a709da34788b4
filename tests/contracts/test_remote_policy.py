"""RemotePolicy: what people may do with machines of the stack, and with no others.

Whoever can send a machine a command is root on it. So what makes a machine one of the stack's, its
two tags, must come with it when it is launched, or from somebody with other rights.
"""

from datetime import UTC, datetime

import pytest

from cli.remote.launch_specification import LaunchSpecification
from cli.remote.launching import Launch
from cli.remote.options import Action, Wanted
from cli.remote.tagging import Owner, tags_of
from shared import machine_tags
from tests.contracts.remote_stack import ARN, MACHINE_ROLE, STACK, Asked, allows, statements

INSTANCE = ARN.format("ec2", "instance/i-0a1b2c3d4e5f60718")
IMAGE = "arn:aws:ec2:eu-west-1::image/ami-1"
SNAPSHOT = "arn:aws:ec2:eu-west-1::snapshot/snap-1"
SPOT_REQUEST = ARN.format("ec2", "spot-instances-request/sir-1")
OURS = {machine_tags.STACK: STACK, machine_tags.MACHINE: machine_tags.CREATED}
OFFERED = {machine_tags.STACK: STACK, machine_tags.MACHINE: machine_tags.GIVEN}
# How container/compute.yaml tags the machines of Batch.
BATCHS = {machine_tags.STACK: STACK, "Name": "acme-testing-cloud-runner"}
ANOTHERS = {"Name": "database"}
OF_ANOTHER_STACK = {machine_tags.STACK: "acme-production", machine_tags.MACHINE: "created"}
STRANGERS = [BATCHS, ANOTHERS, OF_ANOTHER_STACK, {}]
TAKEN_CARE_OF = [
    *("ec2:TerminateInstances", "ec2:StopInstances", "ec2:StartInstances"),
    *("ec2:ModifyInstanceAttribute", "ec2:GetConsoleOutput"),
]


def _tagged(kind: str, tags: dict[str, str]) -> dict[str, str]:
    """Tags as keys of a condition: of the request, or of the resource."""
    return {f"{kind}/{key}": value for key, value in tags.items()}


def _may(action: str, resource: str, context: dict[str, str] | None = None) -> bool:
    return allows(statements("RemotePolicy"), Asked(action, resource, context or {}))


@pytest.mark.parametrize("resource", [INSTANCE, SPOT_REQUEST, ARN.format("ec2", "volume/vol-1")])
def test_what_people_launch_has_our_tags_from_its_first_moment(resource: str) -> None:
    request = _tagged("aws:RequestTag", OURS)
    launching = {"ec2:CreateAction": "RunInstances"}

    assert _may("ec2:RunInstances", resource, request)
    assert _may("ec2:CreateTags", resource, request | launching)
    for strange in [*STRANGERS, OFFERED]:
        assert not _may("ec2:RunInstances", resource, _tagged("aws:RequestTag", strange))


def test_what_remote_launches_is_what_people_may_launch() -> None:
    wanted = Wanted(actions=(Action.CREATE,), tags={"Project": "churn"})
    now = datetime.now(UTC)
    owner = Owner(STACK, "someone@example.com")
    launch = Launch(
        LaunchSpecification({"ImageId": "ami-1", "InstanceType": "g5.xlarge"}),
        market="spot",
        tags=tags_of(wanted, owner, origin="created", name="study", ends_at=now),
        user_data=b"",
        profile="machine",
        shutdown="terminate",
        token="token",
    )
    asked = launch.arguments()["TagSpecifications"]

    assert {one["ResourceType"] for one in asked} == {
        "instance",
        "volume",
        "spot-instances-request",
    }
    for one in asked:
        tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        resource = ARN.format("ec2", f"{one['ResourceType']}/new")
        assert _may("ec2:RunInstances", resource, _tagged("aws:RequestTag", tags))


@pytest.mark.parametrize("disk", [IMAGE, SNAPSHOT])
def test_no_disk_of_the_accounts_is_read_through_a_machine_unless_it_is_offered(disk: str) -> None:
    private = {"ec2:Public": "false"}
    offered = _tagged("aws:ResourceTag", {machine_tags.STACK: STACK})

    assert _may("ec2:RunInstances", disk, private | offered)
    assert not _may("ec2:RunInstances", disk)
    assert not _may("ec2:RunInstances", disk, private)
    assert not _may("ec2:RunInstances", disk, _tagged("aws:RequestTag", OURS))
    for strange in (ANOTHERS, OF_ANOTHER_STACK):
        assert not _may("ec2:RunInstances", disk, private | _tagged("aws:ResourceTag", strange))
    assert not _may("ec2:CreateTags", disk, offered)
    assert not _may("ec2:CreateTags", disk, {"ec2:CreateAction": "RunInstances"})


def test_people_launch_with_any_public_image() -> None:
    assert _may("ec2:RunInstances", IMAGE, {"ec2:Public": "true"})
    assert not _may("ec2:RunInstances", SNAPSHOT, {"ec2:Public": "true"})


def test_people_launch_into_any_network_of_the_account() -> None:
    named = ("key-pair/k", "network-interface/n", "placement-group/p", "security-group/s")

    for one in (*named, "subnet/subnet-1"):
        assert _may("ec2:RunInstances", ARN.format("ec2", one))


def test_people_can_give_a_machine_no_other_role_than_the_stacks() -> None:
    to_ec2 = {"iam:PassedToService": "ec2.amazonaws.com"}

    assert _may("iam:PassRole", MACHINE_ROLE, to_ec2)
    assert not _may("iam:PassRole", MACHINE_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not _may("iam:PassRole", "arn:aws:iam::123456789012:role/admin", to_ec2)


@pytest.mark.parametrize("action", TAKEN_CARE_OF)
def test_people_touch_machines_of_the_stack_alone(action: str) -> None:
    for tags in (OURS, OFFERED):
        assert _may(action, INSTANCE, _tagged("aws:ResourceTag", tags))
    for strange in STRANGERS:
        assert not _may(action, INSTANCE, _tagged("aws:ResourceTag", strange))


def test_people_are_root_on_machines_of_the_stack_alone() -> None:
    script = "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"
    for tags in (OURS, OFFERED):
        assert _may("ssm:SendCommand", INSTANCE, _tagged("ssm:resourceTag", tags))
    assert _may("ssm:SendCommand", script)

    for strange in STRANGERS:
        assert not _may("ssm:SendCommand", INSTANCE, _tagged("ssm:resourceTag", strange))
    assert not _may("ssm:SendCommand", script.replace("RunShellScript", "RunRemoteScript"))


def test_a_machine_becomes_ours_by_its_owners_hand_and_not_by_ours() -> None:
    ends = {"aws:RequestTag/cloud-runner-ends": "2026-11-21T18:00:00Z"}
    adopting = _tagged("aws:RequestTag", OFFERED) | ends

    assert _may("ec2:CreateTags", INSTANCE, adopting | _tagged("aws:ResourceTag", OFFERED))
    assert _may("ec2:CreateTags", INSTANCE, ends | _tagged("aws:ResourceTag", OURS))
    for strange in STRANGERS:
        assert not _may("ec2:CreateTags", INSTANCE, adopting | _tagged("aws:ResourceTag", strange))


def test_a_machine_stays_the_stacks_whose_it_is() -> None:
    elsewhere = _tagged("aws:RequestTag", {machine_tags.STACK: "acme-production"})

    assert not _may("ec2:CreateTags", INSTANCE, elsewhere | _tagged("aws:ResourceTag", OURS))


def test_a_spot_request_of_the_stack_can_be_taken_back() -> None:
    cancel = "ec2:CancelSpotInstanceRequests"

    assert _may(cancel, SPOT_REQUEST, _tagged("aws:ResourceTag", OURS))
    assert not _may(cancel, SPOT_REQUEST, _tagged("aws:ResourceTag", ANOTHERS))
