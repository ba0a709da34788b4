"""container/compute.yaml: parameters and outputs, what each choice makes, who may do what."""

import json
import re
import subprocess
from itertools import product
from typing import Any

import pytest

from tests.contracts.compute_stack import COMPUTE, TEXT, Deployment
from tests.contracts.wiring import listed, references

PARAMETERS = {
    *("Organization", "Environment", "ExistingJobQueueArn", "ExistingGpuJobQueueArn"),
    *("ExistingVpcId", "ExistingSubnetIds", "VpcCidr", "SubnetKind", "ZoneCount"),
    *("Capacity", "CpuInstanceTypes", "GpuInstanceTypes", "MaxCpuVcpus", "MaxGpuVcpus", "DiskGiB"),
    *("MaxWaitSeconds", "FairShare", "ShareDecaySeconds", "CacheStorage", "CacheDirectory"),
    *("ProgramDirectory", "StopSeconds", "LogRetentionDays", "DataRetentionDays"),
}
OUTPUTS = {
    *("JobQueueArn", "GpuJobQueueArn", "DataBucket", "JobLogGroup"),
    *("CacheDirectory", "ProgramDirectory"),
}
QUEUE = "arn:aws:batch:eu-west-1:123456789012:job-queue/ours"
GPU_QUEUE = f"{QUEUE}-gpu"
OWN_VPC = {"ExistingVpcId": "vpc-12345678", "ExistingSubnetIds": "subnet-12345678,subnet-87654321"}
PRIVATE = {"SubnetKind": "private", "ZoneCount": "6"}
SHARED = {"CacheStorage": "efs", "ZoneCount": "2"}
CHOICES = [
    {**network, **capacity, **fairness}
    for network, capacity, fairness in product(
        ({}, PRIVATE, SHARED, {**PRIVATE, **SHARED, "ZoneCount": "5"}, OWN_VPC),
        ({}, {"Capacity": "spot"}, {"Capacity": "on-demand"}),
        ({}, {"FairShare": "false"}),
    )
] + [{"ExistingJobQueueArn": QUEUE}]
each_choice = pytest.mark.parametrize("given", CHOICES, ids=lambda given: "-".join(given.values()))
WAITS = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
}


def _named(value: object) -> set[str]:
    """The resources that a resolved part names."""
    return set(re.findall(r"@([A-Z][A-Za-z0-9]+)", json.dumps(value)))


def test_parameters_and_outputs_are_those_that_the_root_template_passes_on() -> None:
    assert set(COMPUTE["Parameters"]) == PARAMETERS
    assert set(COMPUTE["Outputs"]) == OUTPUTS


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_parameter_of_the_compute_stack_says_what_it_takes_and_is_used(name: str) -> None:
    declared = COMPUTE["Parameters"][name]
    used = set(references([COMPUTE[part] for part in ("Conditions", "Resources", "Outputs")]))
    limits = {"MinValue", "MaxValue"} <= set(declared)

    assert declared["Type"] in {"String", "Number", "CommaDelimitedList"}
    assert declared["Description"]
    assert "Default" in declared
    assert limits or {"AllowedValues", "AllowedPattern"} & set(declared)
    assert name in used or f"${{{name}}}" in TEXT


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_default_is_one_that_the_parameter_takes(name: str) -> None:
    declared = COMPUTE["Parameters"][name]
    taken = re.compile(declared.get("AllowedPattern", ".*"))

    assert declared["Default"] in declared.get("AllowedValues", [declared["Default"]])
    assert all(taken.fullmatch(one) for one in str(declared["Default"]).split(","))
    assert declared.get("MinValue", 0) <= (declared["Default"] if "MinValue" in declared else 0)


@each_choice
def test_each_choice_is_taken_and_names_only_what_it_makes(given: dict[str, str]) -> None:
    stack = Deployment(given)

    assert stack.refusals == []
    assert _named([stack.resources, stack.outputs]) <= set(stack.resources)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"ExistingVpcId": "vpc-12345678"}, "ExistingVpcId needs ExistingSubnetIds"),
        ({"ExistingSubnetIds": "subnet-12345678"}, "ExistingSubnetIds needs ExistingVpcId"),
        ({"ExistingGpuJobQueueArn": GPU_QUEUE}, "ExistingGpuJobQueueArn needs ExistingJobQueueArn"),
        ({**OWN_VPC, "CacheStorage": "efs"}, "CacheStorage efs needs a VPC that this stack makes"),
    ],
)
def test_half_a_choice_is_refused_with_what_to_do(given: dict[str, str], advice: str) -> None:
    (refusal,) = Deployment(given).refusals

    assert refusal.startswith(advice)


def test_an_existing_queue_leaves_bucket_and_log_group_alone_to_make() -> None:
    stack = Deployment({"ExistingJobQueueArn": QUEUE})
    two = Deployment({"ExistingJobQueueArn": QUEUE, "ExistingGpuJobQueueArn": GPU_QUEUE})

    assert set(stack.resources) == {"DataBucket", "DataBucketPolicy", "JobLogGroup"}
    assert (stack.outputs["JobQueueArn"], stack.outputs["GpuJobQueueArn"]) == (QUEUE, QUEUE)
    assert (two.outputs["JobQueueArn"], two.outputs["GpuJobQueueArn"]) == (QUEUE, GPU_QUEUE)


@pytest.mark.parametrize(
    ("capacity", "order"),
    [
        ("spot-then-on-demand", ["Spot", "OnDemand"]),
        ("spot", ["Spot"]),
        ("on-demand", ["OnDemand"]),
    ],
)
@pytest.mark.parametrize("kind", ["Cpu", "Gpu"])
def test_a_queue_fills_its_machines_in_order(kind: str, capacity: str, order: list[str]) -> None:
    stack = Deployment({"Capacity": capacity})
    queue = stack.resources[f"{kind}JobQueue"]
    environments = sorted(queue["ComputeEnvironmentOrder"], key=lambda one: one["Order"])

    assert [one["ComputeEnvironment"] for one in environments] == [
        f"@{payment}{kind}Machines" for payment in order
    ]
    assert {one["Reason"] for one in queue["JobStateTimeLimitActions"]} == WAITS
    assert {one["Action"] for one in queue["JobStateTimeLimitActions"]} == {"CANCEL"}


@each_choice
def test_machines_are_none_while_there_is_nothing_to_run(given: dict[str, str]) -> None:
    for name, environment in Deployment(given).of_type("AWS::Batch::ComputeEnvironment").items():
        resources = environment["ComputeResources"]
        spot = name.startswith("Spot")
        assert resources["MinvCpus"] == 0
        assert resources["Type"] == ("SPOT" if spot else "EC2")
        assert resources["AllocationStrategy"] == (
            "SPOT_PRICE_CAPACITY_OPTIMIZED" if spot else "BEST_FIT_PROGRESSIVE"
        )
        assert resources["Ec2Configuration"] == [
            {"ImageType": "ECS_AL2023_NVIDIA" if "Gpu" in name else "ECS_AL2023"}
        ]
        assert resources["Tags"]["cloud-runner"] == "acme-development"
        # What an update in place asks for: user guide, "Perform infrastructure updates".
        assert environment["ReplaceComputeEnvironment"] is False
        assert "ServiceRole" not in environment


def test_no_compute_environment_grows_beyond_its_parameter() -> None:
    limits = Deployment({"MaxCpuVcpus": "48", "MaxGpuVcpus": "24"})
    grown = {
        name: str(environment["ComputeResources"]["MaxvCpus"])
        for name, environment in limits.of_type("AWS::Batch::ComputeEnvironment").items()
    }

    assert grown == {
        "SpotCpuMachines": "48",
        "OnDemandCpuMachines": "48",
        "SpotGpuMachines": "24",
        "OnDemandGpuMachines": "24",
    }


def test_a_change_between_fair_and_plain_queues_makes_other_queues() -> None:
    fair, plain = (Deployment({"FairShare": value}).resources for value in ("true", "false"))

    for name in ("CpuJobQueue", "GpuJobQueue"):
        assert fair[name]["SchedulingPolicyArn"] == "@Shares.Arn"
        assert "SchedulingPolicyArn" not in plain[name]
        assert fair[name]["JobQueueName"] != plain[name]["JobQueueName"]
    assert "Shares" not in plain


def test_a_commit_gets_more_than_a_sweep() -> None:
    policy = Deployment({}).resources["Shares"]["FairsharePolicy"]
    weights = {one["ShareIdentifier"]: one["WeightFactor"] for one in policy["ShareDistribution"]}

    assert weights["commits"] < weights["sweep*"]
    assert policy["ComputeReservation"] > 0


def test_nothing_that_an_update_may_replace_has_a_name_to_collide_with() -> None:
    names = {
        f"{logical_id}.{key}": str(value)
        for logical_id, one in Deployment({**PRIVATE, **SHARED}).resources.items()
        for key, value in one.items()
        if key == "Name" or (key.endswith("Name") and key != "ServiceName")
    }

    assert set(names) == {
        *("CpuJobQueue.JobQueueName", "GpuJobQueue.JobQueueName", "JobLogGroup.LogGroupName")
    }
    assert names["JobLogGroup.LogGroupName"] == "/aws/batch/acme-development-1a2b3c4d"


@each_choice
def test_nobody_connects_to_a_machine(given: dict[str, str]) -> None:
    groups = Deployment(given).of_type("AWS::EC2::SecurityGroup")
    admitted = {name: one.get("SecurityGroupIngress", []) for name, one in groups.items()}
    rules = [rule for one in admitted.values() for rule in one]

    assert not admitted.get("MachineSecurityGroup")
    assert not Deployment(given).of_type("AWS::EC2::SecurityGroupIngress")
    assert all(rule["SourceSecurityGroupId"] == "@MachineSecurityGroup" for rule in rules)
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} <= {(2049, 2049)}


@pytest.mark.parametrize("zones", ["2", "3", "4", "5", "6"])
@pytest.mark.parametrize("kind", ["public", "private"])
def test_each_zone_has_a_subnet_with_a_way_out(kind: str, zones: str) -> None:
    stack = Deployment({"ZoneCount": zones, "SubnetKind": kind, "CacheStorage": "efs"})
    subnets = {f"Subnet{number + 1}" for number in range(int(zones))}
    made = stack.of_type("AWS::EC2::Subnet")
    routes = stack.of_type("AWS::EC2::SubnetRouteTableAssociation").values()
    machines = stack.resources["SpotGpuMachines"]["ComputeResources"]["Subnets"]
    mounts = stack.of_type("AWS::EFS::MountTarget").values()

    assert set(made) - {"NatSubnet"} == subnets == {name.strip("@") for name in machines}
    assert len({one["CidrBlock"] for one in made.values()}) == len(made)
    assert len({made[name]["AvailabilityZone"] for name in subnets}) == len(subnets)
    assert {made[name]["MapPublicIpOnLaunch"] for name in subnets} == {kind == "public"}
    assert {one["SubnetId"]: one["RouteTableId"] for one in routes if "Nat" not in str(one)} == {
        f"@{name}": "@PublicRoutes" if kind == "public" else "@PrivateRoutes" for name in subnets
    }
    assert sorted(one["SubnetId"] for one in mounts) == sorted(f"@{name}" for name in subnets)
    assert bool(stack.of_type("AWS::EC2::NatGateway")) == (kind == "private")


def test_a_machine_may_run_tasks_and_fetch_the_program_and_no_more() -> None:
    roles = Deployment(SHARED).of_type("AWS::IAM::Role")
    (role,) = roles.values()
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert [arn.rpartition("/")[2] for arn in role["ManagedPolicyArns"]] == [
        "AmazonEC2ContainerServiceforEC2Role"
    ]
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"] == "@DataBucket.Arn/program/*"


def test_the_machines_alone_mount_the_shared_cache_and_with_tls() -> None:
    (statement,) = Deployment(SHARED).resources["CacheFileSystem"]["FileSystemPolicy"]["Statement"]

    assert statement["Principal"] == {"AWS": "@MachineRole.Arn"}
    assert set(listed(statement["Action"])) == {
        "elasticfilesystem:ClientMount",
        "elasticfilesystem:ClientWrite",
    }
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": True}}


def test_data_outlives_the_stack_and_is_nobody_elses() -> None:
    declared: dict[str, Any] = COMPUTE["Resources"]
    bucket = Deployment({}).resources["DataBucket"]
    (denied,) = Deployment({}).resources["DataBucketPolicy"]["PolicyDocument"]["Statement"]

    for name in ("DataBucket", "JobLogGroup"):
        assert declared[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert declared[name]["UpdateReplacePolicy"] == "Retain"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert (denied["Effect"], denied["Principal"]) == ("Deny", "*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": False}}


@pytest.mark.parametrize("given", [{}, SHARED], ids=["disk", "efs"])
def test_user_data_is_an_archive_of_one_script_that_bash_reads(given: dict[str, str]) -> None:
    stack = Deployment(given)
    written = stack.boot_files
    scripts = [stack.boot_script, *(text for text in written.values() if text.startswith("#!"))]
    most = 16 * 1024  # EC2 user guide, "Run commands when you launch an EC2 instance"

    assert stack.user_data.startswith("MIME-Version: 1.0\nContent-Type: multipart/mixed;")
    assert len(stack.user_data.encode("ascii")) < most
    assert len(scripts) == 3
    for script in scripts:
        assert "\nset -euo pipefail\n" in script
        subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=300)


def test_a_machine_asks_for_tokens_and_has_an_encrypted_disk() -> None:
    template = Deployment({"DiskGiB": "250"}).resources["MachineTemplate"]["LaunchTemplateData"]
    (disk,) = template["BlockDeviceMappings"]

    assert template["MetadataOptions"] == {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
        # The machine's rule that keeps jobs away is for the address of IPv4 alone.
        "HttpProtocolIpv6": "disabled",
    }
    assert disk["Ebs"] == {
        "VolumeType": "gp3",
        "VolumeSize": "250",
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
