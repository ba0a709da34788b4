"""container/compute.yaml made by moto's CloudFormation, as far as it goes.

Parameters and conditions are resolved before, since moto knows neither Fn::Cidr nor AWS::NoValue in
a list. It makes no bucket policy, file system or scheduling policy: those are left out. It drops
without a word what protects the bucket, what limits a job's wait, a queue's policy, how machines
are replaced, and which subnets are public: those are in the contract tests alone.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.contracts.compute_stack import COMPUTE, PSEUDO, Deployment

REGION = PSEUDO["AWS::Region"]
UNKNOWN = {
    *("AWS::S3::BucketPolicy", "AWS::Batch::SchedulingPolicy"),
    *("AWS::EFS::FileSystem", "AWS::EFS::AccessPoint", "AWS::EFS::MountTarget"),
}
# It knows the families, not the names by which Batch chooses.
KNOWN_TYPES = {"CpuInstanceTypes": "c7i,m7i", "GpuInstanceTypes": "g4dn,g5"}
QUEUE = "arn:aws:batch:eu-west-1:123456789012:job-queue/ours"
_REFERENCE = re.compile(r"@([A-Z]\w+)((?:\.\w+)?)")


def _with_references(part: Any, made: set[str]) -> Any:
    """A resolved part with its references as CloudFormation writes them."""
    if isinstance(part, dict):
        return {name: _with_references(one, made) for name, one in part.items()}
    if isinstance(part, list):
        return [_with_references(one, made) for one in part]
    if not isinstance(part, str) or not (named := _REFERENCE.search(part)):
        return part
    if named[1] not in made:
        return f"{named[1].lower()}-of-the-test"
    if named[0] != part:
        return {"Fn::Sub": _REFERENCE.sub(r"${\1\2}", part)}
    return {"Fn::GetAtt": [named[1], named[2][1:]]} if named[2] else {"Ref": named[1]}


def _template(given: dict[str, str]) -> str:
    stack = Deployment({**KNOWN_TYPES, **given})
    kinds = {name: declared["Type"] for name, declared in COMPUTE["Resources"].items()}
    resources = {name: one for name, one in stack.resources.items() if kinds[name] not in UNKNOWN}
    made = set(resources)
    if "MachineTemplate" in made:
        data = resources["MachineTemplate"]["LaunchTemplateData"]
        data["UserData"] = base64.b64encode(data["UserData"].encode()).decode()
    for name, one in resources.items():
        if kinds[name] == "AWS::Batch::ComputeEnvironment":
            one["ServiceRole"] = "@MachineRole.Arn"  # moto knows no service-linked role
    # moto knows only the plainest of the policies that keep a resource
    kept = {
        name
        for name, one in COMPUTE["Resources"].items()
        if "Retain" in one.get("DeletionPolicy", "")
    }
    return json.dumps(
        {
            "Resources": {
                name: {
                    "DeletionPolicy": "Retain" if name in kept else "Delete",
                    "Type": kinds[name],
                    "Properties": _with_references(one, made),
                }
                for name, one in resources.items()
            },
            "Outputs": {
                name: {"Value": _with_references(one, made)} for name, one in stack.outputs.items()
            },
        }
    )


class Account:
    """An account of moto's, with the stack in it."""

    def __init__(self) -> None:
        self._cloudformation: Any = boto3.client("cloudformation", REGION)
        self.ec2: Any = boto3.client("ec2", REGION)
        self.batch: Any = boto3.client("batch", REGION)
        self.iam: Any = boto3.client("iam", REGION)

    def deploy(self, given: dict[str, str]) -> dict[str, str]:
        """Make the stack; its outputs."""
        self._cloudformation.create_stack(StackName="compute", TemplateBody=_template(given))
        (stack,) = self._cloudformation.describe_stacks(StackName="compute")["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def update(self, given: dict[str, str]) -> None:
        self._cloudformation.update_stack(StackName="compute", TemplateBody=_template(given))

    def changes(self, given: dict[str, str]) -> dict[str, str]:
        """What an update would do, by logical id."""
        self._cloudformation.create_change_set(
            StackName="compute",
            ChangeSetName="next",
            ChangeSetType="UPDATE",
            TemplateBody=_template(given),
        )
        found = self._cloudformation.describe_change_set(StackName="compute", ChangeSetName="next")
        changed = [one["ResourceChange"] for one in found["Changes"]]
        return {one["LogicalResourceId"]: one["Action"] for one in changed}

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName="compute")

    @property
    def vpc(self) -> str:
        """The stack's VPC."""
        own = [{"Name": "is-default", "Values": ["false"]}]
        (vpc,) = self.ec2.describe_vpcs(Filters=own)["Vpcs"]
        return str(vpc["VpcId"])

    def within_vpc(self, kind: str) -> list[dict[str, Any]]:
        """The subnets, route tables or security groups of the stack's VPC."""
        describe = getattr(self.ec2, f"describe_{kind}")
        answer = describe(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])
        found: list[dict[str, Any]] = answer["".join(map(str.title, kind.split("_")))]
        return found

    @property
    def environments(self) -> dict[str, dict[str, Any]]:
        """What is said of the compute environments' machines, by logical id."""
        found = self.batch.describe_compute_environments()["computeEnvironments"]
        return {
            one["computeEnvironmentName"].split("-")[1]: one["computeResources"] for one in found
        }

    @property
    def queues(self) -> dict[str, list[str]]:
        """The logical ids of the queues' environments in their order, by the queues' names."""
        return {
            one["jobQueueName"]: [
                environment["computeEnvironment"].split("-")[-2]
                for environment in sorted(
                    one["computeEnvironmentOrder"], key=lambda environment: environment["order"]
                )
            ]
            for one in self.batch.describe_job_queues()["jobQueues"]
        }


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws(config={"batch": {"use_docker": False}}):
        yield Account()


def test_the_defaults_make_a_network_machines_and_queues(account: Account) -> None:
    outputs = account.deploy({})
    subnets = account.within_vpc("subnets")
    machines = account.environments["SpotCpuMachines"]
    (group,) = account.ec2.describe_security_groups(GroupIds=machines["securityGroupIds"])[
        "SecurityGroups"
    ]

    assert outputs["JobQueueArn"].endswith(":job-queue/acme-development-cpu-fair-share")
    assert outputs["GpuJobQueueArn"].endswith(":job-queue/acme-development-gpu-fair-share")
    assert {one["AvailabilityZone"] for one in subnets} == {f"{REGION}{zone}" for zone in "abc"}
    assert set(machines["subnets"]) == {one["SubnetId"] for one in subnets}
    assert machines["instanceTypes"] == ["c7i", "m7i"]
    assert (machines["type"], machines["minvCpus"], machines["maxvCpus"]) == ("SPOT", 0, 256)
    assert (group["IpPermissions"], group["VpcId"]) == ([], account.vpc)
    assert account.queues == {
        "acme-development-cpu-fair-share": ["SpotCpuMachines", "OnDemandCpuMachines"],
        "acme-development-gpu-fair-share": ["SpotGpuMachines", "OnDemandGpuMachines"],
    }


def test_s3_and_the_internet_are_reached_by_the_public_routes(account: Account) -> None:
    account.deploy({})
    (endpoint,) = account.ec2.describe_vpc_endpoints()["VpcEndpoints"]
    (table,) = (one for one in account.within_vpc("route_tables") if one["Tags"])
    (way_out,) = (one for one in table["Routes"] if one["GatewayId"].startswith("igw-"))

    assert way_out["DestinationCidrBlock"] == "0.0.0.0/0"
    assert endpoint["ServiceName"] == f"com.amazonaws.{REGION}.s3"
    assert endpoint["RouteTableIds"] == [table["RouteTableId"]]


def test_private_machines_go_out_through_one_gateway(account: Account) -> None:
    account.deploy({"SubnetKind": "private"})
    (gateway,) = account.ec2.describe_nat_gateways()["NatGateways"]
    routes = [route for one in account.within_vpc("route_tables") for route in one["Routes"]]
    machines = account.environments["SpotCpuMachines"]["subnets"]

    assert gateway["SubnetId"] not in machines
    assert len(machines) == 3
    assert [
        (one["NatGatewayId"], one["DestinationCidrBlock"])
        for one in routes
        if "NatGatewayId" in one
    ] == [(gateway["NatGatewayId"], "0.0.0.0/0")]


def test_a_machine_boots_by_its_template(account: Account) -> None:
    account.deploy({"DiskGiB": "250", "StopSeconds": "80"})
    used = account.environments["OnDemandGpuMachines"]["launchTemplate"]
    (version,) = account.ec2.describe_launch_template_versions(
        LaunchTemplateId=used["launchTemplateId"], Versions=[used["version"]]
    )["LaunchTemplateVersions"]
    data = version["LaunchTemplateData"]
    user_data = base64.b64decode(data["UserData"]).decode()

    assert data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 250
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert "ECS_CONTAINER_STOP_TIMEOUT=80s" in user_data


def test_a_machine_has_the_role_of_its_profile(account: Account) -> None:
    outputs = account.deploy({})
    (profile,) = account.iam.list_instance_profiles()["InstanceProfiles"]
    (role,) = profile["Roles"]
    policy = account.iam.get_role_policy(RoleName=role["RoleName"], PolicyName="fetch-program")

    assert {one["instanceRole"] for one in account.environments.values()} == {profile["Arn"]}
    # As text, and not as JSON: moto gives back what Python prints.
    assert f"'arn:aws:s3:::{outputs['DataBucket']}/program/*'" in policy["PolicyDocument"]


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ({"Capacity": "on-demand"}, ["OnDemandCpuMachines"]),
        ({"Capacity": "spot"}, ["SpotCpuMachines"]),
        ({"FairShare": "false"}, ["SpotCpuMachines", "OnDemandCpuMachines"]),
        ({"CacheStorage": "efs"}, ["SpotCpuMachines", "OnDemandCpuMachines"]),
    ],
)
def test_a_choice_of_machines_is_a_choice_of_queues(
    account: Account, given: dict[str, str], order: list[str]
) -> None:
    account.deploy(given)
    (name,) = (name for name in account.queues if "-cpu-" in name)

    assert account.queues[name] == order
    assert name.endswith("first-come" if "FairShare" in given else "fair-share")


def test_an_existing_network_is_used_and_none_is_made(account: Account) -> None:
    vpc = account.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = account.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    account.deploy({"ExistingVpcId": vpc, "ExistingSubnetIds": subnet})

    assert account.vpc == vpc
    assert len(account.within_vpc("security_groups")) == 2  # the VPC's own is there, too
    assert {tuple(one["subnets"]) for one in account.environments.values()} == {(subnet,)}


def test_an_existing_queue_is_used_and_no_machines_are_made(account: Account) -> None:
    outputs = account.deploy({"ExistingJobQueueArn": QUEUE})

    assert outputs["JobQueueArn"] == outputs["GpuJobQueueArn"] == QUEUE
    assert outputs["DataBucket"]
    assert outputs["JobLogGroup"].startswith("/aws/batch/acme-development-")
    assert (account.environments, account.queues) == ({}, {})


def test_other_instance_types_change_their_environments_alone(account: Account) -> None:
    account.deploy({})

    assert account.changes({"CpuInstanceTypes": "c6i"}) == {
        "SpotCpuMachines": "Modify",
        "OnDemandCpuMachines": "Modify",
    }


def test_without_spot_machines_their_environments_go(account: Account) -> None:
    account.deploy({})

    assert account.changes({"Capacity": "on-demand"}) == {
        "SpotCpuMachines": "Remove",
        "SpotGpuMachines": "Remove",
        "CpuJobQueue": "Modify",
        "GpuJobQueue": "Modify",
    }


def test_an_update_makes_another_version_of_the_template_and_takes_a_zone(account: Account) -> None:
    account.deploy({})
    account.update({"ZoneCount": "2", "StopSeconds": "80"})
    (template,) = account.ec2.describe_launch_templates()["LaunchTemplates"]

    assert template["LatestVersionNumber"] == 2
    assert len(account.within_vpc("subnets")) == 2


def test_deletion_leaves_bucket_and_log_group_and_what_moto_cannot_delete(account: Account) -> None:
    outputs = account.deploy({})
    # It deletes no route table of a stack, hence no VPC, and no queue or environment either.
    with (
        pytest.warns(UserWarning, match="DependencyViolation"),
        pytest.raises(ClientError, match="has dependencies"),
    ):
        account.delete()
    own = [table for table in account.within_vpc("route_tables") if table["Tags"]]
    buckets = boto3.client("s3", REGION).list_buckets()["Buckets"]
    groups = boto3.client("logs", REGION).describe_log_groups()["logGroups"]

    assert account.iam.list_roles()["Roles"] == []
    assert account.iam.list_instance_profiles()["InstanceProfiles"] == []
    assert account.ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert account.within_vpc("subnets") == []
    assert [one["GroupName"] for one in account.within_vpc("security_groups")] == ["default"]
    assert len(own) == 1
    assert [one["Name"] for one in buckets] == [outputs["DataBucket"]]
    assert [one["logGroupName"] for one in groups] == [outputs["JobLogGroup"]]
