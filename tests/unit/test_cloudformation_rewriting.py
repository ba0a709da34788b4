"""What the front makes of a template, of its parameters' limits, and of a request."""

import pytest

from local.cloudformation.forms import Form
from local.cloudformation.limits import broken
from local.cloudformation.rewriting import Site, rewritten
from local.cloudformation.templates import Template, TemplateRefused, read, text_of

SITE = Site("http://127.0.0.1:4566", "arn:courier", {"AWS::Batch::JobQueue": 60})


def of(text: str, **values: str) -> Template:
    """A template's rewriting."""
    return rewritten(read(text), values, SITE).template


def test_a_type_that_the_emulator_lacks_becomes_a_custom_resource_and_keeps_the_rest() -> None:
    found = of("""
Conditions: {Wanted: !Equals [a, a]}
Resources:
  Queue:
    Type: AWS::Batch::JobQueue
    Condition: Wanted
    DeletionPolicy: Retain
    Properties: {Priority: 1, Tags: {team: !Ref AWS::StackName}}
  Bare: {Type: AWS::Batch::JobQueue}
""")["Resources"]

    asked = {"ServiceToken": "arn:courier", "ServiceTimeout": 60}
    assert found["Queue"] == {
        "Type": "Custom::AWS-Batch-JobQueue",
        "Condition": "Wanted",
        "DeletionPolicy": "Retain",
        "Properties": {"Priority": 1, "Tags": {"team": {"Ref": "AWS::StackName"}}, **asked},
    }
    assert found["Bare"]["Properties"] == asked


def test_what_the_emulator_knows_stays_as_it_is() -> None:
    text = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters: {Name: {Type: String, AllowedPattern: "[a-z]+"}}
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${Name}-${!literal}"}}
Outputs:
  Arn: {Value: !GetAtt Bucket.Arn}
  Nested: {Value: !GetAtt Nested.Outputs.X}
"""

    assert of(text, Name="abc") == read(text)
    assert read(text)["Outputs"]["Nested"]["Value"] == {"Fn::GetAtt": ["Nested", "Outputs.X"]}


def test_what_refers_to_a_resource_means_what_it_means_in_aws() -> None:
    found = of("""
Resources:
  Key: {Type: AWS::SecretsManager::Secret, Properties: {Name: acme/key}}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}
Outputs:
  KeyArn: {Value: !Ref Key}
  ProfileName: {Value: !Ref Profile}
""")

    assert found["Outputs"]["KeyArn"]["Value"] == {"Fn::GetAtt": ["Key", "Id"]}
    assert found["Outputs"]["ProfileName"]["Value"] == {
        "Fn::Select": [
            1,
            {"Fn::Split": [":instance-profile/", {"Fn::GetAtt": ["Profile", "Arn"]}]},
        ]
    }
    assert found["Resources"]["Profile"]["Properties"] == {"Roles": [{"Ref": "Role"}]}


@pytest.mark.parametrize(("asked", "made"), [(10, 2), (2, 2)])
def test_a_queue_is_read_by_no_more_processes_than_one_machine_has_use_for(
    asked: int, made: int
) -> None:
    found = of(f"""
Resources:
  Source:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{BatchSize: 10, ScalingConfig: {{MaximumConcurrency: {asked}}}}}
  Unlimited: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{BatchSize: 1}}}}
""")["Resources"]

    assert found["Source"]["Properties"] == {
        "BatchSize": 10,
        "ScalingConfig": {"MaximumConcurrency": made},
    }
    assert found["Unlimited"]["Properties"] == {"BatchSize": 1}


@pytest.mark.parametrize("suffix", ["${AWS::URLSuffix}", "amazonaws.com"])
def test_an_http_apis_address_is_the_gateways(suffix: str) -> None:
    address = f"https://${{Api}}.execute-api.${{AWS::Region}}.{suffix}/hook"
    found = of(f"""
Resources: {{}}
Outputs:
  Plain: {{Value: !Sub "{address}"}}
  WithValues: {{Value: !Sub ["{address}?a=${{A}}", {{A: !Sub "{address}"}}]}}
  Text: {{Value: "{address}"}}
""")["Outputs"]

    local = "http://127.0.0.1:4566/_aws/execute-api/${Api}/$default/hook"
    assert found["Plain"]["Value"] == {"Fn::Sub": local}
    assert found["WithValues"]["Value"] == {
        "Fn::Sub": [f"{local}?a=${{A}}", {"A": {"Fn::Sub": local}}]
    }
    assert found["Text"]["Value"] == address


LIMITED = """
Parameters:
  BitbucketApiUrl: {Type: String, AllowedPattern: "https://.*", MaxLength: 9}
  LeaseSeconds: {Type: Number, MinValue: 60, MaxValue: 90}
  Email: {Type: String, AllowedPattern: "|.+@.+"}
  Vcpus: {Type: Number, MinValue: 1}
  Names: {Type: CommaDelimitedList, AllowedPattern: "[a-z]+"}
Resources: {}
"""


def test_a_limit_is_given_up_only_where_a_value_breaks_it() -> None:
    good = {"BitbucketApiUrl": "https://x", "LeaseSeconds": "60"}
    kept = rewritten(read(LIMITED), good, SITE)
    changed = rewritten(read(LIMITED), {"BitbucketApiUrl": "http://x", "LeaseSeconds": "30"}, SITE)

    assert kept.template == read(LIMITED)
    assert changed.given_up == (("BitbucketApiUrl", "AllowedPattern"), ("LeaseSeconds", "MinValue"))
    assert changed.template["Parameters"] == {
        **read(LIMITED)["Parameters"],
        "BitbucketApiUrl": {"Type": "String", "MaxLength": 9},
        "LeaseSeconds": {"Type": "Number", "MaxValue": 90},
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BitbucketApiUrl", "https://too-long"),
        ("LeaseSeconds", "91"),
        ("LeaseSeconds", "many"),
        ("Email", "nobody"),
        ("Vcpus", "0"),
        ("Names", "a,B"),
        ("Unknown", "x"),
    ],
)
def test_a_limit_that_nothing_here_has_to_break_stays(name: str, value: str) -> None:
    assert broken(read(LIMITED), {name: value}) == []
    assert rewritten(read(LIMITED), {name: value}, SITE).template == read(LIMITED)


def test_a_serverless_apis_events_become_routes_to_the_alias() -> None:
    found = of("""
Transform: AWS::Serverless-2016-10-31
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: s3://bucket/key
      AutoPublishAlias: live
      Role: arn:aws:iam::123456789012:role/function
      Events:
        Push: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: /push}}
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: "/{proxy+}"}}
""")

    assert "Transform" not in found
    routes = [
        one["Properties"]
        for one in found["Resources"].values()
        if one["Type"] == "AWS::ApiGatewayV2::Route"
    ]
    assert {one["RouteKey"] for one in routes} == {"POST /push", "ANY /{proxy+}"}
    target = next(one for one in routes if one["RouteKey"] == "POST /push")["Target"]["Fn::Sub"]
    integration = found["Resources"][target.removeprefix("integrations/${").removesuffix("}")]
    assert integration["Properties"]["ApiId"] == {"Ref": "Api"}
    assert "${FunctionAliaslive}" in integration["Properties"]["IntegrationUri"]["Fn::Sub"]


def test_sam_sees_the_values_that_are_given() -> None:
    text = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Alias: {Type: String}}
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: s3://bucket/key
      Role: arn:aws:iam::123456789012:role/function
      AutoPublishAlias: !Ref Alias
"""

    assert "FunctionAliasgreen" in of(text, Alias="green")["Resources"]


@pytest.mark.parametrize("text", ["Resources: [", "just text", "- a list"])
def test_a_text_that_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateRefused, match="Template format error"):
        read(text)


def test_a_template_keeps_its_text_so_that_an_update_without_changes_is_one() -> None:
    text = 'Resources: {Role: {Properties: {Version: 2012-10-17, Number: "012"}}}'

    assert text_of(read(text)) == text_of(read(text))
    assert '"2012-10-17"' in text_of(read(text))
    assert '"012"' in text_of(read(text))


def test_a_request_keeps_its_fields_and_gets_another_template() -> None:
    form = Form.read(b"Action=CreateStack&StackName=a+b&TemplateBody=%7B%7D&Tags=")

    assert form.action == "CreateStack"
    assert Form.read(form.at("http://x/y").body()).fields == {
        "Action": "CreateStack",
        "StackName": "a b",
        "Tags": "",
        "TemplateURL": "http://x/y",
    }


def test_a_requests_values_are_those_given_and_those_kept() -> None:
    members = {
        "Parameters.member.1.ParameterKey": "Given",
        "Parameters.member.1.ParameterValue": "new",
        "Parameters.member.2.ParameterKey": "Kept",
        "Parameters.member.2.UsePreviousValue": "true",
        "Parameters.member.3.ParameterKey": "Unknown",
        "Parameters.member.3.UsePreviousValue": "true",
    }

    assert Form(members).keeps_values
    assert Form(members).values({"Given": "old", "Kept": "old"}) == {"Given": "new", "Kept": "old"}
