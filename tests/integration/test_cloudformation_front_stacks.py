"""Templates of every form that AWS takes, on the embedded AWS: nested, large, with a transform."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.integration.cloudformation_front import (
    TEMPLATES,
    Site,
    embedded_cloudformation,
    given,
    outputs,
)

CHILD = """
Parameters:
  Name: {Type: String}
  BitbucketApiUrl: {Type: String, Default: "https://example.org", AllowedPattern: "https://.*"}
  Priority: {Type: Number, Default: 1, MinValue: 1}
Resources:
  Machines:
    Type: AWS::Batch::ComputeEnvironment
    Properties: {Type: UNMANAGED, ComputeEnvironmentName: !Sub "${Name}-machines"}
  Queue:
    Type: AWS::Batch::JobQueue
    Properties:
      JobQueueName: !Ref Name
      Priority: !Ref Priority
      ComputeEnvironmentOrder: [{Order: 1, ComputeEnvironment: !Ref Machines}]
  Logs:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Retain
    Properties: {LogGroupName: !Sub "/nested/${Name}"}
Outputs:
  QueueArn: {Value: !Ref Queue}
  BitbucketApiUrl: {Value: !Ref BitbucketApiUrl}
"""
PARENT = """
Parameters:
  Name: {Type: String}
  BitbucketApiUrl: {Type: String, Default: "https://example.org"}
  Priority: {Type: Number, Default: 1}
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Compute:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: %s
      Parameters: {Name: !Ref Name, BitbucketApiUrl: !Ref BitbucketApiUrl, Priority: !Ref Priority}
Outputs:
  QueueArn: {Value: !GetAtt Compute.Outputs.QueueArn}
  BitbucketApiUrl: {Value: !GetAtt Compute.Outputs.BitbucketApiUrl}
"""
FUNCTION = """
def handler(event, context):
    return {"statusCode": 200, "body": event["routeKey"] + " " + context.function_version}
"""
SERVERLESS = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: function.handler
      CodeUri: s3://templates/function.zip
      AutoPublishAlias: live
      Role: arn:aws:iam::123456789012:role/function
      Events:
        Push: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: /push}}
Outputs:
  Url: {Value: !Sub "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/push"}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with embedded_cloudformation(tmp_path_factory.mktemp("cloudformation")) as site:
        yield site


def parent(site: Site, name: str, child: str = CHILD) -> str:
    return PARENT % site.upload(f"{name}.yaml", child)


def log_groups(site: Site, prefix: str) -> list[str]:
    found = site.endpoints.client("logs").describe_log_groups(logGroupNamePrefix=prefix)
    return [one["logGroupName"] for one in found["logGroups"]]


def test_a_nested_stack_has_batchs_resources_and_gives_its_outputs(site: Site) -> None:
    stack = site.create("nest", parent(site, "nest"), Name="nest")
    kind, nested = site.resources("nest")["Compute"]
    (described,) = site.cloudformation.describe_stacks(StackName=nested)["Stacks"]
    deleted = site.delete("nest")

    assert outputs(stack)["QueueArn"].endswith(":job-queue/nest")
    assert kind == "AWS::CloudFormation::Stack"
    assert described["StackName"].startswith("nest-Compute-")
    assert deleted["StackStatus"] == "DELETE_COMPLETE"
    assert site.at_batch("nest") == []
    assert log_groups(site, "/nested/nest") == ["/nested/nest"]  # it is retained


def test_a_nested_stack_is_updated_with_its_parent(site: Site) -> None:
    template = parent(site, "grown")
    site.create("grown", template, Name="grown")
    updated = site.update("grown", template, Name="grown", Priority="7")
    (queue,) = site.batch.describe_job_queues(jobQueues=["grown"])["jobQueues"]

    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert queue["priority"] == 7


def test_a_nested_stack_that_fails_takes_its_parent_with_it_and_says_why(site: Site) -> None:
    broken = CHILD.replace("Priority: !Ref Priority", "Priority: -1")
    stack = site.create("orphan", parent(site, "orphan", broken), Name="orphan")

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Queue: " in site.reasons("orphan")
    assert "greater than or equal to 0" in site.reasons("orphan")
    assert site.at_batch("orphan") == []


def test_a_nested_update_that_fails_brings_back_what_was(site: Site) -> None:
    site.create("back", parent(site, "back"), Name="back")
    broken = CHILD.replace("Priority: !Ref Priority", "Priority: -1")
    after = site.update("back", parent(site, "back-broken", broken), Name="back", Priority="8")
    (queue,) = site.batch.describe_job_queues(jobQueues=["back"])["jobQueues"]

    assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "was not successfully updated" in site.reasons("back")
    assert queue["priority"] == 1


def test_a_list_is_no_parameter_of_a_nested_stack(site: Site) -> None:
    template = parent(site, "listed").replace("Url: !Ref BitbucketApiUrl", "Url: [a, b]")
    stack = site.create("listed", template, Name="listed")

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "must be an object with String" in site.reasons("listed")


def test_a_value_may_break_a_limit_here_in_a_nested_stack_and_when_it_is_kept(site: Site) -> None:
    template = parent(site, "loopback")
    stack = site.create("loopback", template, Name="loopback", BitbucketApiUrl="http://127.0.0.1:1")
    kept = {"ParameterKey": "BitbucketApiUrl", "UsePreviousValue": True}
    limited = template.replace(
        'Default: "https://example.org"', 'Default: "https://x", AllowedPattern: "https://.*"'
    ).replace("Topic: {", "Another: {")
    site.cloudformation.update_stack(
        StackName="loopback",
        TemplateBody=limited,
        Parameters=[*given({"Name": "loopback", "Priority": "2"}), kept],
    )
    updated = site.settled("loopback")

    assert outputs(stack)["BitbucketApiUrl"] == "http://127.0.0.1:1"
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert outputs(updated)["BitbucketApiUrl"] == "http://127.0.0.1:1"


def test_any_other_limit_holds(site: Site) -> None:
    template = CHILD.replace("Name: {Type: String}", "Name: {Type: String, MaxLength: 3}")

    with pytest.raises(ClientError, match="at most 3 characters"):
        site.create("limited", template, Name="limited")


def test_a_limit_that_nothing_here_has_to_break_is_refused_as_in_aws(site: Site) -> None:
    with pytest.raises(ClientError, match=r"Priority.* must be a number not less than 1"):
        site.create("least", CHILD, Name="least", Priority="0")


def test_a_large_template_comes_from_s3_and_is_refused_in_a_request(site: Site) -> None:
    large = CHILD + "\n".join(f"# {number:070}" for number in range(900))
    address = site.upload("large.yaml", large)
    with pytest.raises(ClientError, match="51200"):
        site.create("large", large, Name="large")
    made = site.cloudformation.create_stack(
        StackName="large", TemplateURL=address, Parameters=given({"Name": "large"})
    )

    assert len(large) > 60_000
    assert site.settled(made["StackId"])["StackStatus"] == "CREATE_COMPLETE"


def test_a_template_in_json_from_the_other_style_of_address_is_taken(site: Site) -> None:
    machines = {"Type": "AWS::Batch::ComputeEnvironment", "Properties": {"Type": "UNMANAGED"}}
    site.upload("plain.json", json.dumps({"Resources": {"Machines": machines}}))
    made = site.cloudformation.create_stack(
        StackName="plain",
        TemplateURL=f"https://{TEMPLATES}.s3.eu-west-1.amazonaws.com/plain.json",
    )

    assert site.settled(made["StackId"])["StackStatus"] == "CREATE_COMPLETE"
    assert site.resources("plain")["Machines"][1].rpartition("/")[2].startswith("Machines-")


def test_a_template_with_batchs_types_is_valid(site: Site) -> None:
    valid = site.cloudformation.validate_template(TemplateBody=CHILD)
    summary = site.cloudformation.get_template_summary(TemplateBody=CHILD)

    assert [one["ParameterKey"] for one in valid["Parameters"]] == [
        "Name",
        "BitbucketApiUrl",
        "Priority",
    ]
    assert "AWS::Batch::JobQueue" in summary["ResourceTypes"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("Resources: [", "Template format error"),
        ("just text", "Template format error"),
        (SERVERLESS.replace("!Ref Api", "!Ref Nothing"), "Transform AWS::Serverless-2016-10-31"),
    ],
)
def test_a_template_that_is_none_is_refused(site: Site, template: str, said: str) -> None:
    with pytest.raises(ClientError, match=said):
        site.create("none", template)


def test_a_serverless_api_answers_at_the_address_in_its_output(site: Site) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("function.py", FUNCTION)
    site.s3.put_object(Bucket=TEMPLATES, Key="function.zip", Body=code.getvalue())
    url = outputs(site.create("api", SERVERLESS))["Url"]
    answer = urllib3.request("POST", url, timeout=120, retries=False)
    other = urllib3.request("GET", url, timeout=120, retries=False)

    assert (answer.status, answer.data) == (200, b"POST /push 1")  # the version of the alias
    assert other.status == 404


def test_an_archive_of_a_bus_lives_as_long_as_its_stack(site: Site) -> None:
    template = """
Resources:
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: archived}}
  Archive:
    Type: AWS::Events::Archive
    Properties:
      SourceArn: !GetAtt Bus.Arn
      RetentionDays: %s
      EventPattern: {source: [ours]}
Outputs:
  Arn: {Value: !GetAtt Archive.Arn}
  Name: {Value: !Ref Archive}
"""
    events = site.endpoints.client("events")
    made = outputs(site.create("archived", template % 30))
    first = events.describe_archive(ArchiveName=made["Name"])
    site.update("archived", template % 60)
    second = events.describe_archive(ArchiveName=made["Name"])
    site.delete("archived")

    assert made["Arn"].endswith(f":archive/{made['Name']}")
    assert (first["RetentionDays"], second["RetentionDays"]) == (30, 60)
    assert json.loads(first["EventPattern"]) == {"source": ["ours"]}
    assert events.list_archives()["Archives"] == []


def test_machines_without_addresses_go_out_through_a_nat_gateway(site: Site) -> None:
    template = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/20}}
  Address: {Type: AWS::EC2::EIP, Properties: {Domain: vpc, Tags: [{Key: Name, Value: nat}]}}
  Gateway:
    Type: AWS::EC2::NatGateway
    Properties: {AllocationId: !GetAtt Address.AllocationId, SubnetId: !Ref Subnet}
  Routes: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Out:
    Type: AWS::EC2::Route
    Properties:
      RouteTableId: !Ref Routes
      DestinationCidrBlock: 0.0.0.0/0
      NatGatewayId: !Ref Gateway
Outputs:
  Gateway: {Value: !Ref Gateway}
  Address: {Value: !Ref Address}
"""
    made = outputs(site.create("private", template))
    ec2 = site.endpoints.client("ec2")
    (gateway,) = ec2.describe_nat_gateways(NatGatewayIds=[made["Gateway"]])["NatGateways"]
    deleted = site.delete("private")

    assert made["Gateway"].startswith("nat-")
    assert gateway["State"] == "available"
    assert made["Address"].count(".") == 3
    assert deleted["StackStatus"] == "DELETE_COMPLETE"
    assert ec2.describe_addresses()["Addresses"] == []
