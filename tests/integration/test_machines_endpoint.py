"""EC2 of the embedded stack: machines that boot, end and are refused as EC2's are."""

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from local import aws
from tests.integration.machines_endpoint import PROFILE, Region, region, until

TERMINATES: dict[str, Any] = {"InstanceInitiatedShutdownBehavior": "terminate"}
SPOT: dict[str, Any] = {"InstanceMarketOptions": {"MarketType": "spot"}}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region(tmp_path_factory.mktemp("region")) as running:
        yield running


def tagged(*kinds: str, **tags: str) -> dict[str, Any]:
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": given} for kind in kinds]}


def refusal(refused: "pytest.ExceptionInfo[ClientError]") -> str:
    code: str = refused.value.response["Error"]["Code"]
    return code


def test_a_machine_boots_with_its_user_data_and_its_shutdown_terminates_it(here: Region) -> None:
    script = '#!/bin/sh\necho booted > "$CLOUD_RUNNER_ROOT/tmp/said"\nshutdown -h now\n'
    machine = here.launch(script, **TERMINATES)

    assert here.becomes(machine, "terminated")
    assert (here.disk(machine) / "tmp/said").read_text() == "booted\n"
    assert here.instance(machine)["StateReason"] == {
        "Code": "Client.InstanceInitiatedShutdown",
        "Message": "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
    }


def test_a_boot_that_goes_on_ends_with_the_machine(here: Region) -> None:
    part = "Content-Type: text/x-shellscript\n\n#!/bin/sh\n{}\n"
    first = part.format("touch ../tmp/began; sleep 1000")
    second = part.format("touch ../tmp/went-on; sleep 1000")
    header = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="--of"\n\n'
    machine = here.launch(f"{header}----of\n{first}----of\n{second}----of--\n")
    assert until((here.disk(machine) / "tmp/began").exists)
    here.ec2.terminate_instances(InstanceIds=[machine])

    assert here.becomes(machine, "terminated")
    assert here.control("GET", "machines")[machine]["processes"] == []


def test_a_shutdown_stops_a_machine_that_was_not_told_otherwise(here: Region) -> None:
    machine = here.launch("#!/bin/sh\nshutdown -h now\n")

    assert here.becomes(machine, "stopped")


def test_what_a_shutdown_does_can_be_changed_while_the_machine_runs(here: Region) -> None:
    machine = here.launch()
    here.ec2.modify_instance_attribute(
        InstanceId=machine, InstanceInitiatedShutdownBehavior={"Value": "terminate"}
    )
    told = here.ec2.describe_instance_attribute(
        InstanceId=machine, Attribute="instanceInitiatedShutdownBehavior"
    )
    here.run(machine, "shutdown -h now")

    assert told["InstanceInitiatedShutdownBehavior"] == {"Value": "terminate"}
    assert here.becomes(machine, "terminated")


def test_a_stopped_machine_starts_again_without_its_user_data(here: Region) -> None:
    machine = here.launch(
        '#!/bin/sh\necho booted >> "$CLOUD_RUNNER_ROOT/tmp/said"\nshutdown -h now\n'
    )
    assert here.becomes(machine, "stopped")
    launched = here.instance(machine)["LaunchTime"]
    here.ec2.start_instances(InstanceIds=[machine])

    assert here.becomes(machine, "running")
    assert until(lambda: here.online(machine))
    assert here.run(machine, "cat ../tmp/said")["StandardOutputContent"] == "booted\n"
    assert here.instance(machine)["LaunchTime"] >= launched
    here.ec2.terminate_instances(InstanceIds=[machine])


def test_terminating_gives_the_processes_of_a_machine_a_sigterm_first(here: Region) -> None:
    machine = here.launch(
        "#!/bin/sh\ntrap 'echo ended > ../tmp/said; exit' TERM\n"
        "echo waits > ../tmp/said\nwhile :; do sleep 0.1; done\n"
    )
    said = here.disk(machine) / "tmp/said"
    assert until(lambda: said.exists() and said.read_text())
    answer = here.ec2.terminate_instances(InstanceIds=[machine])["TerminatingInstances"][0]

    assert answer["PreviousState"]["Name"] == "running"
    assert answer["CurrentState"]["Name"] == "shutting-down"
    assert here.becomes(machine, "terminated")
    assert said.read_text() == "ended\n"
    assert here.control("GET", "machines")[machine]["processes"] == []
    assert here.instance(machine)["StateReason"]["Code"] == "Client.UserInitiatedShutdown"


def test_a_spot_machine_has_a_request_that_its_end_closes(here: Region) -> None:
    tags = tagged("instance", "spot-instances-request", Name="spotted")
    machine = here.launch(**SPOT, **TERMINATES, **tags)
    told = here.instance(machine)
    named = [{"Name": "tag:Name", "Values": ["spotted"]}]
    asked = here.ec2.describe_spot_instance_requests(Filters=named)["SpotInstanceRequests"]
    with pytest.raises(ClientError) as refused:
        here.ec2.stop_instances(InstanceIds=[machine])
    here.ec2.terminate_instances(InstanceIds=[machine])
    assert here.becomes(machine, "terminated")
    (ended,) = here.ec2.describe_spot_instance_requests(Filters=named)["SpotInstanceRequests"]

    assert told["InstanceLifecycle"] == "spot"
    assert [one["SpotInstanceRequestId"] for one in asked] == [told["SpotInstanceRequestId"]]
    assert (asked[0]["State"], asked[0]["Status"]["Code"]) == ("active", "fulfilled")
    assert asked[0]["LaunchSpecification"]["ImageId"] == aws.MACHINE_IMAGE
    assert refusal(refused) == "UnsupportedOperation"
    assert (ended["State"], ended["Status"]["Code"]) == ("closed", "instance-terminated-by-user")


def test_a_spot_request_can_be_taken_back_while_its_machine_runs(here: Region) -> None:
    machine = here.launch(**SPOT)
    request = here.instance(machine)["SpotInstanceRequestId"]
    answer = here.ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[request])

    assert answer["CancelledSpotInstanceRequests"][0]["State"] == "cancelled"
    assert here.state_of(machine) == "running"
    here.ec2.terminate_instances(InstanceIds=[machine])


def test_a_spot_machine_that_is_taken_away_is_told_before(here: Region) -> None:
    machine = here.launch(**SPOT)
    address = f"{here.url}/_metadata/{machine}/latest/meta-data/spot/instance-action"
    assert here.becomes(machine, "running")
    before = urllib3.request("GET", address, timeout=60, retries=False)
    here.control("POST", f"machines/{machine}/reclaim", {"seconds": 600})
    notice = urllib3.request("GET", address, timeout=60, retries=False)
    here.control("POST", f"machines/{machine}/reclaim", {"seconds": 1})

    assert before.status == 404
    assert notice.json()["action"] == "terminate"
    assert here.becomes(machine, "terminated")
    assert here.instance(machine)["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_a_client_token_launches_once(here: Region) -> None:
    first = here.launch(ClientToken="once")
    again = here.launch(ClientToken="once")
    with pytest.raises(ClientError) as refused:
        here.launch(ClientToken="once", InstanceType="t3.small")
    here.ec2.terminate_instances(InstanceIds=[first])

    assert again == first
    assert refusal(refused) == "IdempotentParameterMismatch"


def test_machines_are_found_by_their_tags(here: Region) -> None:
    machine = here.launch(**tagged("instance", "volume", Name="tagged", purpose="a test"))
    here.ec2.create_tags(Resources=[machine], Tags=[{"Key": "more", "Value": "later"}])

    def found(**tags: str) -> list[str]:
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        groups = here.ec2.describe_instances(Filters=filters)["Reservations"]
        return [one["InstanceId"] for group in groups for one in group["Instances"]]

    assert found(purpose="a test", more="later") == [machine]
    assert found(purpose="another") == []
    here.ec2.terminate_instances(InstanceIds=[machine])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t9.enormous"}, "InvalidParameterValue"),
        ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
        ({"user_data": "#!/bin/sh\n" + 16_384 * "#"}, "InvalidParameterValue"),
        ({"KeyName": "nobodys"}, "InvalidKeyPair.NotFound"),
        ({"IamInstanceProfile": {"Name": "nobodys"}}, "InvalidParameterValue"),
    ],
)
def test_what_cannot_be_launched_is_refused(here: Region, asked: dict[str, Any], code: str) -> None:
    before = len(here.control("GET", "machines"))
    with pytest.raises(ClientError) as refused:
        here.launch(**asked)

    assert refusal(refused) == code
    assert len(here.control("GET", "machines")) == before


def test_the_default_vpc_has_what_a_launch_specification_names(here: Region) -> None:
    subnets = here.ec2.describe_subnets()["Subnets"]
    groups = here.ec2.describe_security_groups()["SecurityGroups"]
    machine = here.launch(SubnetId=subnets[0]["SubnetId"], SecurityGroupIds=[groups[0]["GroupId"]])
    told = here.instance(machine)

    assert told["SubnetId"] == subnets[0]["SubnetId"]
    assert [one["GroupId"] for one in told["SecurityGroups"]] == [groups[0]["GroupId"]]
    assert told["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{PROFILE}")
    here.ec2.terminate_instances(InstanceIds=[machine])


def test_a_type_or_a_subnet_can_be_short_of_capacity(here: Region) -> None:
    subnet = here.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    none = {"refuses": {"RunInstances": "InsufficientInstanceCapacity"}}
    with (
        here.trouble(instance_type="p3.2xlarge", **none),
        here.trouble(subnet_id=subnet, **none),
    ):
        for asked in ({"InstanceType": "p3.2xlarge"}, {"SubnetId": subnet}):
            with pytest.raises(ClientError) as refused:
                here.launch(**asked)

            assert refusal(refused) == "InsufficientInstanceCapacity"
        other = here.launch()
    here.ec2.terminate_instances(InstanceIds=[other])


def test_a_shutdown_that_does_nothing_leaves_the_machine_running(here: Region) -> None:
    machine = here.launch(**TERMINATES, **tagged("instance", Name="immortal"))
    with here.trouble(
        name="immortal",
        ignores_shutdown=True,
        refuses={"TerminateInstances": "UnauthorizedOperation"},
    ):
        here.run(machine, "shutdown -h now")
        with pytest.raises(ClientError) as refused:
            here.ec2.terminate_instances(InstanceIds=[machine])

        assert refusal(refused) == "UnauthorizedOperation"
        assert here.state_of(machine) == "running"
    assert here.becomes(machine, "terminated")


def test_a_machine_may_stay_on_its_way(here: Region) -> None:
    with here.trouble(instance_type="t3.nano", stays_pending=True, never_ends=True):
        machine = here.launch(InstanceType="t3.nano")
        began = here.state_of(machine)
        here.ec2.terminate_instances(InstanceIds=[machine])

        assert began == "pending"
        assert here.state_of(machine) == "shutting-down"
    assert here.becomes(machine, "terminated")


def test_a_terminated_machine_neither_stops_nor_starts(here: Region) -> None:
    machine = here.launch()
    for _ in range(2):
        here.ec2.terminate_instances(InstanceIds=[machine])
    assert here.becomes(machine, "terminated")
    for change in (here.ec2.stop_instances, here.ec2.start_instances):
        with pytest.raises(ClientError) as refused:
            change(InstanceIds=[machine])

        assert refusal(refused) == "IncorrectInstanceState"


def test_a_protected_machine_is_not_terminated(here: Region) -> None:
    machine = here.launch()
    for protected, code in ((True, "OperationNotPermitted"), (False, None)):
        here.ec2.modify_instance_attribute(
            InstanceId=machine, DisableApiTermination={"Value": protected}
        )
        if code is not None:
            with pytest.raises(ClientError) as refused:
                here.ec2.terminate_instances(InstanceIds=[machine])

            assert refusal(refused) == code
    here.ec2.terminate_instances(InstanceIds=[machine])
    assert here.becomes(machine, "terminated")


def test_spot_has_a_history_of_prices_and_the_price_list_a_price(here: Region) -> None:
    now = datetime.now(UTC)
    history = here.ec2.describe_spot_price_history(
        InstanceTypes=["c5.xlarge"],
        AvailabilityZone="eu-west-1b",
        ProductDescriptions=["Linux/UNIX"],
        StartTime=now - timedelta(hours=13),
        EndTime=now,
    )["SpotPriceHistory"]
    asked = {"instanceType": "c5.xlarge", "regionCode": aws.REGION, "operation": "RunInstances"}
    pricing = aws.client("pricing", here.url)
    (listed,) = pricing.get_products(
        ServiceCode="AmazonEC2",
        Filters=[{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in asked.items()],
    )["PriceList"]
    offers = json.loads(listed)["terms"]["OnDemand"].values()
    (hourly,) = (one for offer in offers for one in offer["priceDimensions"].values())

    assert len(history) in (3, 4)
    assert history[-1]["Timestamp"] <= now - timedelta(hours=13)
    assert float(hourly["pricePerUnit"]["USD"]) > max(float(one["SpotPrice"]) for one in history)


def test_a_sandbox_has_no_console(here: Region) -> None:
    machine = here.launch()
    told = here.ec2.get_console_output(InstanceId=machine)
    here.ec2.terminate_instances(InstanceIds=[machine])

    assert b64decode(told.get("Output", "")) == b""


def test_ids_of_the_place_are_the_same_at_every_start(
    here: Region, tmp_path_factory: pytest.TempPathFactory
) -> None:
    subnets = {one["SubnetId"] for one in here.ec2.describe_subnets()["Subnets"]}
    with region(tmp_path_factory.mktemp("again")) as again:
        machine = again.launch()

        assert {one["SubnetId"] for one in again.ec2.describe_subnets()["Subnets"]} == subnets
        assert machine not in here.control("GET", "machines")
