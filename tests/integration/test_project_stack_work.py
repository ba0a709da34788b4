"""A stack is brought to what its template says, whatever an earlier try has left."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError, ReadTimeoutError

from cli.account import AccountError
from cli.project.stack import Stack
from cli.project.stack_states import State
from tests.integration.cloudformation_front import Site, embedded_cloudformation
from tests.integration.project_world import brief

ROLE = "arn:aws:iam::123456789012:role/project-stacks"
TEMPLATE = """
Parameters:
  Name: {Type: String}
  JobName: {Type: String, Default: job}
Resources:
  Images:
    Type: AWS::ECR::Repository
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties: {RepositoryName: !Ref Name}
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Images
    Properties: {QueueName: !Sub "${Name}-queue"}
  Job:
    Type: AWS::Batch::JobDefinition
    DependsOn: Queue
    Properties:
      JobDefinitionName: !Ref JobName
      Type: container
      ContainerProperties:
        Image: none
        ResourceRequirements: [{Type: VCPU, Value: "1"}, {Type: MEMORY, Value: "512"}]
"""
TAGS = {"cloud-runner": "acme-development"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with embedded_cloudformation(tmp_path_factory.mktemp("stacks") / "aws") as one:
        yield one


class Deployment:
    """A stack, and what was told of it."""

    def __init__(self, site: Site, name: str) -> None:
        self.url = site.upload("stack.yaml", TEMPLATE)
        self.stack = Stack(site.cloudformation, name, ROLE, sleep=brief)
        self.told: list[str] = []
        self.asked: list[State | None] = []

    def deploy(self, **parameters: str) -> bool:
        def given(state: State | None) -> dict[str, str]:
            self.asked.append(state)
            return parameters

        return self.stack.deploy(self.url, given, TAGS, self.told.append)

    @property
    def status(self) -> str | None:
        state = self.stack.state()
        return None if state is None else state.status


def test_a_stack_is_created_left_alone_updated_and_deleted(site: Site) -> None:
    one = Deployment(site, "ordinary")
    results = [one.deploy(Name="first"), one.deploy(Name="first"), one.deploy(Name="second")]
    state = one.stack.state()
    one.stack.delete(one.told.append)
    one.stack.delete(one.told.append)

    assert results == [True, False, True]
    assert state is not None
    assert (state.status, state.tags) == ("UPDATE_COMPLETE", TAGS)
    assert one.asked[0] is None
    assert "Queue: CREATE_COMPLETE" in one.told
    assert "Queue: UPDATE_COMPLETE" in one.told
    assert one.status is None


def test_a_preview_says_what_would_change_and_changes_nothing(site: Site) -> None:
    one = Deployment(site, "previewed")
    one.deploy(Name="previewed")
    state = one.stack.state()
    assert state is not None
    before = site.cloudformation.list_change_sets(StackName="previewed")["Summaries"]

    none = one.stack.preview(state, one.url, {"Name": "previewed"}, TAGS)
    some = one.stack.preview(state, one.url, {"Name": "other"}, TAGS)

    assert none is None
    assert set(some or []) == {"Images", "Queue"}
    assert one.stack.state() == state
    assert site.cloudformation.list_change_sets(StackName="previewed")["Summaries"] == before


def test_what_cannot_be_made_is_said_with_its_reason_and_made_again_later(site: Site) -> None:
    one = Deployment(site, "ruined")
    with pytest.raises(AccountError, match=r"ruined is ROLLBACK_COMPLETE: Job: .*should match"):
        one.deploy(Name="ruined", JobName="no name!")
    ruined = one.status
    one.deploy(Name="ruined", JobName="a-name")

    assert ruined == "ROLLBACK_COMPLETE"
    assert one.status == "CREATE_COMPLETE"
    assert any("deleted and made again" in text for text in one.told)
    assert one.asked == [None, None]


def test_an_update_that_fails_leaves_what_was_there_and_can_be_mended(site: Site) -> None:
    one = Deployment(site, "failing")
    one.deploy(Name="failing")
    with pytest.raises(AccountError, match="failing is UPDATE_ROLLBACK_COMPLETE: Job: "):
        one.deploy(Name="failing", JobName="no name!")
    failed = one.status
    one.deploy(Name="failing", JobName="another-name")

    assert (failed, one.status) == ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE")


def test_a_change_set_that_was_not_executed_is_in_nobodys_way(site: Site) -> None:
    one = Deployment(site, "reviewed")
    site.cloudformation.create_change_set(
        StackName="reviewed",
        ChangeSetName="left-behind",
        ChangeSetType="CREATE",
        TemplateBody=TEMPLATE,
        Parameters=[{"ParameterKey": "Name", "ParameterValue": "reviewed"}],
    )
    before = one.status
    one.deploy(Name="reviewed")

    assert (before, one.status) == ("REVIEW_IN_PROGRESS", "CREATE_COMPLETE")


def test_a_parameter_that_is_missing_is_said(site: Site) -> None:
    with pytest.raises(AccountError, match="deploying the stack wrong"):
        Deployment(site, "wrong").deploy()


class Slow:
    """CloudFormation that goes through some statuses first."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.deleted = 0

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"Stacks": [{"StackId": "id", "StackName": StackName, "StackStatus": status}]}


def test_somebody_elses_work_is_waited_for() -> None:
    slow = Slow("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")

    with pytest.raises(AccountError, match="continue-update-rollback --stack-name slow"):
        Stack(slow, "slow", ROLE, sleep=brief).deploy("https://t", lambda _: {}, TAGS, print)
    assert len(slow.statuses) == 1


class Silent(Slow):
    """CloudFormation that takes a change set and never answers, or botocore that sends none."""

    def __init__(self, error: Exception) -> None:
        super().__init__("UPDATE_COMPLETE")
        self.error = error

    def create_change_set(self, **_: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://cloudformation"),
        ParamValidationError(report="Parameter validation failed"),
    ],
)
def test_what_botocore_says_while_deploying_is_told_with_what_was_done(error: Exception) -> None:
    stack = Stack(Silent(error), "silent", ROLE, sleep=brief)

    with pytest.raises(AccountError, match="deploying the stack silent: "):
        stack.deploy("https://t", lambda _: {}, TAGS, print)
