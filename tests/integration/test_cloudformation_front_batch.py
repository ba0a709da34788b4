"""Stacks with Batch's resources on the embedded AWS: made, changed, rolled back, removed."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.integration.cloudformation_front import Site, embedded_cloudformation, given, outputs

TEMPLATE = """
Parameters:
  Name: {Type: String}
  Priority: {Type: Number, Default: 5}
  Vcpus: {Type: Number, Default: 2}
  Note: {Type: String, Default: ""}
Resources:
  Policy:
    Type: AWS::Batch::SchedulingPolicy
    Properties:
      Name: !Sub ${Name}-policy
      FairsharePolicy:
        ShareDecaySeconds: 600
        ShareDistribution: [{ShareIdentifier: "sweep*", WeightFactor: 2.5}]
      Tags: {team: ours}
  Machines:
    Type: AWS::Batch::ComputeEnvironment
    Properties:
      Type: MANAGED
      ComputeEnvironmentName: !Sub ${Name}-machines
      ReplaceComputeEnvironment: false
      ComputeResources:
        Type: SPOT
        AllocationStrategy: SPOT_PRICE_CAPACITY_OPTIMIZED
        MinvCpus: 0
        MaxvCpus: 16
        Subnets: [subnet-1]
        SecurityGroupIds: [sg-1]
        InstanceTypes: [optimal]
        InstanceRole: arn:aws:iam::123456789012:instance-profile/machines
        LaunchTemplate: {LaunchTemplateName: machines, Version: $Latest}
        UpdateToLatestImageVersion: true
      UpdatePolicy: {TerminateJobsOnUpdate: false}
  Queue:
    Type: AWS::Batch::JobQueue
    Properties:
      JobQueueName: !Sub ${Name}-queue
      Priority: !Ref Priority
      SchedulingPolicyArn: !Ref Policy
      ComputeEnvironmentOrder: [{Order: 1, ComputeEnvironment: !Ref Machines}]
      JobStateTimeLimitActions:
        - Reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY
          State: RUNNABLE
          MaxTimeSeconds: 3600
          Action: CANCEL
  Definition:
    Type: AWS::Batch::JobDefinition
    Properties:
      JobDefinitionName: !Sub ${Name}-definition
      Type: container
      SchedulingPriority: 1
      PropagateTags: true
      Parameters: {branchName: main}
      Timeout: {AttemptDurationSeconds: 600}
      RetryStrategy:
        Attempts: 3
        EvaluateOnExit: [{OnStatusReason: Host EC2*, Action: RETRY}]
      ContainerProperties:
        Image: example
        Command: [echo, Ref::branchName]
        ResourceRequirements:
          - {Type: VCPU, Value: !Ref Vcpus}
          - {Type: MEMORY, Value: "512"}
        Environment: [{Name: NOTE, Value: !Ref Note}]
        LogConfiguration: {LogDriver: awslogs, Options: {awslogs-group: /jobs}}
        LinuxParameters: {SharedMemorySize: 64, InitProcessEnabled: false}
      Tags: {Project: ours}
Outputs:
  Policy: {Value: !Ref Policy}
  PolicyArn: {Value: !GetAtt Policy.Arn}
  Machines: {Value: !Ref Machines}
  MachinesArn: {Value: !GetAtt Machines.ComputeEnvironmentArn}
  Queue: {Value: !Ref Queue}
  QueueArn: {Value: !GetAtt Queue.JobQueueArn}
  Definition: {Value: !Ref Definition}
  DefinitionArn: {Value: !GetAtt Definition.JobDefinitionArn}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with embedded_cloudformation(tmp_path_factory.mktemp("cloudformation")) as site:
        yield site


def test_ref_and_attributes_are_arns_and_batch_has_what_the_template_says(site: Site) -> None:
    made = outputs(site.create("whole", TEMPLATE, Name="whole"))
    (queue,) = site.batch.describe_job_queues(jobQueues=["whole-queue"])["jobQueues"]
    (machines,) = site.batch.describe_compute_environments(computeEnvironments=["whole-machines"])[
        "computeEnvironments"
    ]
    (policy,) = site.batch.describe_scheduling_policies(arns=[made["Policy"]])["schedulingPolicies"]
    (definition,) = site.batch.describe_job_definitions(jobDefinitionName="whole-definition")[
        "jobDefinitions"
    ]

    at = "arn:aws:batch:eu-west-1:123456789012"
    assert made == {
        "Policy": f"{at}:scheduling-policy/whole-policy",
        "PolicyArn": f"{at}:scheduling-policy/whole-policy",
        "Machines": f"{at}:compute-environment/whole-machines",
        "MachinesArn": f"{at}:compute-environment/whole-machines",
        "Queue": f"{at}:job-queue/whole-queue",
        "QueueArn": f"{at}:job-queue/whole-queue",
        "Definition": f"{at}:job-definition/whole-definition:1",
        "DefinitionArn": f"{at}:job-definition/whole-definition:1",
    }
    assert policy["fairsharePolicy"] == {
        "shareDecaySeconds": 600,
        "shareDistribution": [{"shareIdentifier": "sweep*", "weightFactor": 2.5}],
    }
    assert policy["tags"] == {"team": "ours"}
    assert machines["computeResources"]["maxvCpus"] == 16
    assert machines["computeResources"]["launchTemplate"]["version"] == "$Latest"
    assert (queue["priority"], queue["schedulingPolicyArn"]) == (5, made["Policy"])
    assert queue["jobStateTimeLimitActions"] == [
        {
            "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
            "state": "RUNNABLE",
            "maxTimeSeconds": 3600,
            "action": "CANCEL",
        }
    ]
    assert definition["schedulingPriority"] == 1
    assert definition["propagateTags"] is True
    assert definition["timeout"] == {"attemptDurationSeconds": 600}
    assert definition["parameters"] == {"branchName": "main"}
    assert definition["tags"] == {"Project": "ours"}
    container = definition["containerProperties"]
    assert container["resourceRequirements"][0] == {"type": "VCPU", "value": "2"}
    assert container["logConfiguration"]["options"] == {"awslogs-group": "/jobs"}
    assert container["linuxParameters"] == {"sharedMemorySize": 64, "initProcessEnabled": False}


def test_answers_name_the_types_of_aws(site: Site) -> None:
    site.create("types", TEMPLATE, Name="types")
    events = site.cloudformation.describe_stack_events(StackName="types")["StackEvents"]

    assert {kind for kind, _ in site.resources("types").values()} == {
        "AWS::Batch::ComputeEnvironment",
        "AWS::Batch::JobDefinition",
        "AWS::Batch::JobQueue",
        "AWS::Batch::SchedulingPolicy",
    }
    assert not any(one["ResourceType"].startswith("Custom") for one in events)


def test_a_deleted_stack_leaves_nothing_at_batch(site: Site) -> None:
    site.create("short", TEMPLATE, Name="short")
    before = site.at_batch("short")
    deleted = site.delete("short")

    assert before == ["short-definition:1", "short-machines", "short-policy", "short-queue"]
    assert deleted["StackStatus"] == "DELETE_COMPLETE"
    assert site.at_batch("short") == []


def test_a_changed_definition_is_a_new_revision_and_the_old_one_is_deregistered(site: Site) -> None:
    site.create("revised", TEMPLATE, Name="revised")
    kept = site.update("revised", TEMPLATE, Name="revised", Priority="6")
    changed = site.update("revised", TEMPLATE, Name="revised", Priority="6", Note="new")

    assert outputs(kept)["Definition"].endswith("revised-definition:1")
    assert outputs(changed)["Definition"].endswith("revised-definition:2")
    assert "revised-definition:2" in site.at_batch("revised")
    assert "revised-definition:1" not in site.at_batch("revised")


def test_a_queue_changes_in_place_and_is_replaced_under_another_name(site: Site) -> None:
    site.create("moved", TEMPLATE, Name="moved")
    changed = site.update("moved", TEMPLATE, Name="moved", Priority="9")
    (queue,) = site.batch.describe_job_queues(jobQueues=["moved-queue"])["jobQueues"]
    renamed = TEMPLATE.replace("${Name}-queue", "${Name}-other")
    replaced = site.update("moved", renamed, Name="moved", Priority="9")

    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    assert queue["priority"] == 9
    assert outputs(replaced)["Queue"].endswith("moved-other")
    assert site.at_batch("moved-queue") == []


def test_machines_scale_in_place_and_the_rest_of_them_stays(site: Site) -> None:
    site.create("scaled", TEMPLATE, Name="scaled")
    site.update("scaled", TEMPLATE.replace("MaxvCpus: 16", "MaxvCpus: 64"), Name="scaled")
    (machines,) = site.batch.describe_compute_environments(computeEnvironments=["scaled-machines"])[
        "computeEnvironments"
    ]

    assert machines["computeResources"]["maxvCpus"] == 64
    assert machines["computeResources"]["instanceTypes"] == ["optimal"]


def test_machines_that_must_be_replaced_are_so_if_they_have_no_name(site: Site) -> None:
    unnamed = TEMPLATE.replace("      ComputeEnvironmentName: !Sub ${Name}-machines\n", "").replace(
        "ReplaceComputeEnvironment: false", "ReplaceComputeEnvironment: true"
    )
    first = outputs(site.create("swapped", unnamed, Name="swapped"))["Machines"]
    changed = site.update("swapped", unnamed.replace("[optimal]", "[m6i]"), Name="swapped")
    second = outputs(changed)["Machines"]
    (queue,) = site.batch.describe_job_queues(jobQueues=["swapped-queue"])["jobQueues"]
    old = site.batch.describe_compute_environments(computeEnvironments=[first])

    assert second != first
    assert queue["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": second}]
    assert old["computeEnvironments"] == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (("Priority: !Ref Priority", "Priority: -1"), "priority"),
        (("Priority: !Ref Priority", "Prioritie: 1"), "unsupported property Prioritie"),
        (("MaxTimeSeconds: 3600", "MaxTimeSeconds: 60"), "greater than or equal to 600"),
        (("AttemptDurationSeconds: 600", "AttemptDurationSeconds: soon"), "ValueError"),
    ],
)
def test_a_creation_that_fails_says_why_and_is_rolled_back(
    site: Site, wrong: tuple[str, str], reason: str
) -> None:
    stack = site.create("failing", TEMPLATE.replace(*wrong), Name="failing")
    reasons = site.reasons("failing")
    site.delete("failing")

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in reasons
    assert site.at_batch("failing") == []


def test_an_update_that_fails_brings_back_what_was(site: Site) -> None:
    site.create("restored", TEMPLATE, Name="restored")
    broken = TEMPLATE.replace("Priority: !Ref Priority", "Priority: -1")
    after = site.update("restored", broken, Name="restored", Note="new")
    (queue,) = site.batch.describe_job_queues(jobQueues=["restored-queue"])["jobQueues"]

    assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert queue["priority"] == 5
    assert site.at_batch("restored-definition") == ["restored-definition:1"]


def test_a_stack_comes_by_change_sets_and_an_empty_one_is_told(site: Site) -> None:
    def change(name: str, kind: str, **parameters: str) -> str:
        cloudformation = site.cloudformation
        asked = {"StackName": "by-sets", "ChangeSetName": name}
        made = cloudformation.create_change_set(
            **asked,
            ChangeSetType=kind,
            TemplateBody=TEMPLATE,
            Parameters=given(parameters),
        )
        told = cloudformation.describe_change_set(ChangeSetName=made["Id"])
        kinds = {one["ResourceChange"]["ResourceType"] for one in told["Changes"]}
        assert all(one.startswith("AWS::Batch::") for one in kinds)
        if told["Status"] == "CREATE_COMPLETE":
            cloudformation.execute_change_set(**asked)
            site.settled("by-sets")
        return str(told["Status"])

    statuses = [
        change("first", "CREATE", Name="by-sets"),
        change("second", "UPDATE", Name="by-sets"),
        change("third", "UPDATE", Name="by-sets", Note="new"),
    ]

    assert statuses == ["CREATE_COMPLETE", "FAILED", "CREATE_COMPLETE"]
    assert site.at_batch("by-sets-definition") == ["by-sets-definition:2"]


def test_a_queue_that_holds_jobs_can_be_deleted(site: Site) -> None:
    made = outputs(site.create("busy", TEMPLATE, Name="busy"))
    job = site.batch.submit_job(
        jobName="job",
        jobQueue=made["Queue"],
        jobDefinition=made["Definition"],
        shareIdentifier="commits",
        containerOverrides={"command": ["sleep", "600"]},
    )["jobId"]
    deleted = site.delete("busy")
    (ended,) = site.batch.describe_jobs(jobs=[job])["jobs"]

    assert deleted["StackStatus"] == "DELETE_COMPLETE"
    assert ended["isTerminated"] or ended["isCancelled"]


def test_a_type_that_nobody_makes_is_refused_as_aws_refuses_it(site: Site) -> None:
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::Batch::Nothing\]"):
        site.create("unknown", "Resources: {It: {Type: 'AWS::Batch::Nothing'}}")
