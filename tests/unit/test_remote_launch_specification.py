"""A launch specification, as EC2 prints it, becomes what RunInstances takes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from cli.remote.launch_specification import LaunchSpecification, read, understand
from shared.errors import Rejected

IMAGE = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "g5.xlarge"}


@pytest.fixture(scope="module")
def shape() -> Any:
    """RunInstances' input, by botocore's model of EC2."""
    return Session().get_service_model("ec2").operation_model("RunInstances").input_shape


def whole(**fields: Any) -> dict[str, Any]:
    """What describe-spot-instance-requests prints of one request."""
    return {
        "SpotInstanceRequests": [
            {
                "CreateTime": "2026-11-20T12:00:00+00:00",
                "InstanceId": "i-0123456789abcdef0",
                "LaunchSpecification": {
                    **IMAGE,
                    "SecurityGroups": [{"GroupName": "gpu", "GroupId": "sg-0123"}],
                    "BlockDeviceMappings": [
                        {
                            "DeviceName": "/dev/xvda",
                            "Ebs": {
                                "DeleteOnTermination": True,
                                "VolumeSize": 100,
                                "VolumeType": "gp3",
                            },
                        }
                    ],
                    "KeyName": "study",
                    "SubnetId": "subnet-0123",
                    "Placement": {"AvailabilityZone": "eu-west-1a", "Tenancy": "default"},
                    "Monitoring": {"Enabled": False},
                },
                "ProductDescription": "Linux/UNIX",
                "SpotInstanceRequestId": "sir-0123",
                "SpotPrice": "0.350000",
                "State": "active",
                "Status": {"Code": "fulfilled", "Message": "Your spot request is fulfilled."},
                "Tags": [],
                "Type": "one-time",
                "InstanceInterruptionBehavior": "terminate",
                **fields,
            }
        ]
    }


def refusal(found: object, shape: Any) -> str:
    """What is said of a specification that cannot be used."""
    with pytest.raises(Rejected) as refused:
        understand(found, shape)
    return str(refused.value)


def test_a_whole_output_is_read_as_its_one_requests_specification(shape: Any) -> None:
    found = understand(whole(), shape)

    assert found.arguments["ImageId"] == IMAGE["ImageId"]
    assert found.arguments["Placement"] == {"AvailabilityZone": "eu-west-1a", "Tenancy": "default"}
    assert found.arguments["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 100
    assert found.max_price == "0.350000"


def test_a_specification_alone_is_read_and_has_no_price(shape: Any) -> None:
    assert understand(IMAGE, shape) == LaunchSpecification(IMAGE)


def test_security_groups_are_explained_and_not_passed_on(shape: Any) -> None:
    found = understand(whole(), shape)

    assert "SecurityGroups" not in found.arguments
    (note,) = found.notes
    assert "it is not passed on" in note
    assert 'write "SecurityGroupIds": ["sg-0123"]' in note


def test_security_group_ids_are_passed_on(shape: Any) -> None:
    found = understand({**IMAGE, "SecurityGroupIds": ["sg-0123"]}, shape)

    assert found.arguments["SecurityGroupIds"] == ["sg-0123"]
    assert found.notes == ()


def test_security_group_ids_beside_network_interfaces_say_where_they_belong(shape: Any) -> None:
    fields = {"SecurityGroupIds": ["sg-1"], "NetworkInterfaces": [{"DeviceIndex": 0}]}

    assert "write them as Groups" in refusal({**IMAGE, **fields}, shape)


@pytest.mark.parametrize("name", ["AddressingType", "KernelId", "RamdiskId"])
def test_a_deprecated_field_is_to_be_left_out(name: str, shape: Any) -> None:
    said = refusal({**IMAGE, name: "public"}, shape)

    assert f"{name} is deprecated" in said
    assert "leave it out" in said


def test_a_deprecated_field_that_is_empty_is_none(shape: Any) -> None:
    assert understand({**IMAGE, "KernelId": "", "RamdiskId": None}, shape).arguments == IMAGE


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"imageid": "ami-1"}, "imageid is no field that is known here: ImageId?"),
        ({"SubnetID": "subnet-1"}, "SubnetID is no field that is known here: SubnetId?"),
        ({"Fleet": "x"}, "Fleet is no field that is known here: there are BlockDeviceMappings, "),
        (
            {"Placement": {"AvailabilityZones": "eu-west-1a"}},
            "Placement.AvailabilityZones is no field that is known here: AvailabilityZone?",
        ),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Size": 100}}]},
            "BlockDeviceMappings[0].Ebs.Size is no field that is known here",
        ),
        ({"EbsOptimized": "yes"}, 'EbsOptimized is "yes", and not a boolean'),
        (
            {"BlockDeviceMappings": [{"Ebs": {"VolumeSize": "100"}}]},
            'VolumeSize is "100", and not an integer',
        ),
        ({"KeyName": 7}, "KeyName is 7, and not a text"),
        ({"Placement": "eu-west-1a"}, "Placement is no JSON object"),
        ({"NetworkInterfaces": {"DeviceIndex": 0}}, "NetworkInterfaces is no list"),
        ({"Placement": {"AvailabilityZone": "a, b"}}, "is made in one: keep one of them"),
        ({"UserData": "#!/bin/sh"}, "UserData is not base64"),
    ],
)
def test_a_field_that_cannot_be_used_says_what_to_write(
    fields: dict[str, Any], says: str, shape: Any
) -> None:
    assert says in refusal({**IMAGE, **fields}, shape)


def test_all_mistakes_are_told_at_once(shape: Any) -> None:
    said = refusal({"KernelId": "aki-1", "Fleet": "x"}, shape)

    assert "KernelId is deprecated" in said
    assert "Fleet is no field" in said
    assert "ImageId is missing; InstanceType is missing" in said


@pytest.mark.parametrize("requests", [[], [{}, {}], "x"])
def test_an_output_of_other_than_one_request_names_the_option_that_chooses(
    requests: object, shape: Any
) -> None:
    said = refusal({"SpotInstanceRequests": requests}, shape)

    assert "--spot-instance-request-ids" in said


@pytest.mark.parametrize("found", [[], "x", 7, None])
def test_what_is_no_specification_says_what_is_one(found: object, shape: Any) -> None:
    assert "describe-spot-instance-requests prints" in refusal(found, shape)


def test_the_subnet_goes_into_the_network_interface_which_ec2_wants(shape: Any) -> None:
    fields = {"SubnetId": "subnet-1", "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-1"]}]}
    found = understand({**IMAGE, **fields}, shape)

    assert "SubnetId" not in found.arguments
    assert found.arguments["NetworkInterfaces"] == [
        {"SubnetId": "subnet-1", "DeviceIndex": 0, "Groups": ["sg-1"]}
    ]


def test_a_profile_is_named_once(shape: Any) -> None:
    both = {"Arn": "arn:aws:iam::123456789012:instance-profile/own", "Name": "own"}
    found = understand({**IMAGE, "IamInstanceProfile": both}, shape)

    assert found.arguments["IamInstanceProfile"] == {"Arn": both["Arn"]}


def test_own_user_data_is_decoded(shape: Any) -> None:
    own = base64.b64encode(b"#!/bin/sh\ntrue\n").decode()

    assert understand({**IMAGE, "UserData": own}, shape).user_data == b"#!/bin/sh\ntrue\n"


def test_a_persistent_request_is_not_made_again(shape: Any) -> None:
    found = understand(whole(Type="persistent", Tags=[{"Key": "a", "Value": "b"}]), shape)

    assert any("this one is one-time" in note for note in found.notes)
    assert any("Tags are not taken over" in note for note in found.notes)


def test_a_volume_that_outlives_its_machine_is_told_of(shape: Any) -> None:
    mapping = {"DeviceName": "/dev/xvdb", "Ebs": {"DeleteOnTermination": False, "VolumeSize": 9}}
    found = understand({**IMAGE, "BlockDeviceMappings": [mapping]}, shape)

    assert "the volume /dev/xvdb outlives its machine" in found.notes[0]


def test_a_file_is_named_where_it_cannot_be_read(tmp_path: Path, shape: Any) -> None:
    path = tmp_path / "launch.json"
    with pytest.raises(Rejected, match=r"launch\.json: No such file"):
        read(path, shape)
    path.write_text("{")
    with pytest.raises(Rejected, match=r"launch\.json is not JSON"):
        read(path, shape)
    path.write_text(json.dumps({"InstanceType": "t3.micro"}))
    with pytest.raises(Rejected, match=r"launch\.json: ImageId is missing"):
        read(path, shape)
