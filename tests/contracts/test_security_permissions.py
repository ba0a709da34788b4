"""Who may read secrets, write the job's program, speak on bus and queues: in all four templates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.contracts.wiring import PARAMETERS, PROJECT, listed

FILES = (
    "template.yaml",
    "container/compute.yaml",
    "container/project.yaml",
    "container/remote.yaml",
)
WRITES = ("s3:Put", "s3:Delete", "s3:Restore", "s3:Abort", "s3:Create", "s3:Replicate")
# Where somebody else's stack begins: buckets that an administrator has named.
NAMED_BUCKETS = {"RemoteBucketArns", "ExtraBucketArns"}


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, and the resource of the template that it is part of."""

    file: str
    owner: str
    kind: str
    declared: dict[str, Any]

    @property
    def actions(self) -> list[str]:
        """Its actions."""
        return listed(self.declared.get("Action", []))

    @property
    def resources(self) -> list[str]:
        """Its resources as text: names stand for references."""
        return [_text(one) for one in listed(self.declared.get("Resource", []))]

    @property
    def principals(self) -> list[tuple[str, str]]:
        """Who it is about: pairs of a kind and a name."""
        told = self.declared.get("Principal", {})
        if not isinstance(told, dict):
            return [("", str(told))]
        return [(kind, _text(one)) for kind, names in told.items() for one in listed(names)]


def _text(value: Any) -> str:
    """A value of a template as one text."""
    if not isinstance(value, dict):
        return str(value)
    ((function, given),) = value.items()
    if function == "Fn::Sub":
        return str(given if isinstance(given, str) else given[0])
    return _flat(given) if function != "Fn::If" else _flat(given[1:])


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_flat(one) for one in value)
    return _text(value)


def _statements() -> Iterator[Statement]:
    for file in FILES:
        template = yaml_parse((PROJECT / file).read_text(encoding="utf-8"))
        for owner, resource in template["Resources"].items():
            for declared in _within(resource.get("Properties", {})):
                yield Statement(file, owner, resource["Type"], declared)


def _within(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        else:
            for inner in value.values():
                yield from _within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(inner)


STATEMENTS = list(_statements())
ALLOWED = [one for one in STATEMENTS if one.declared["Effect"] == "Allow"]


def _who(action: str) -> dict[str, list[Statement]]:
    """By the role or policy, what allows an action."""
    found: dict[str, list[Statement]] = {}
    for one in ALLOWED:
        if action in one.actions:
            found.setdefault(one.owner, []).append(one)
    return found


def _resources_of(action: str) -> dict[str, set[str]]:
    return {
        owner: {resource for one in ones for resource in one.resources}
        for owner, ones in _who(action).items()
    }


SECRETS = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    "${Organization}/${Environment}"
)
HOOKS, SHARED, OWN = "AuthorisedHooksSecret", "BitbucketAuthSecret", f"{SECRETS}/bitbucket-auth/*"


def test_each_secret_is_read_by_those_who_need_it_and_by_nobody_else() -> None:
    """Not by parser, submitter, monitor and reconciler, and not by the role of a job."""
    assert _resources_of("secretsmanager:GetSecretValue") == {
        "WebhookRole": {HOOKS},
        "NotifierRole": {SHARED, OWN},
        "SweeperRole": {SHARED, OWN},
        # Starts a container, before any code of a project runs.
        "ExecutionRole": {"AuthSecretArn", "SecretsArn AWS::NoValue"},
        # No role: the most that one of a project can be given.
        "ProjectBoundary": {f"{SECRETS}/*"},
        # A machine of one's own, which whoever uses it is root on.
        "MachineRole": {"BitbucketAuthSecretArn", OWN},
        # People.
        "CommandLinePolicy": {HOOKS, SHARED, OWN},
        "ProjectAdminPolicy": {OWN, f"{SECRETS}/projects/*"},
    }


def test_people_alone_change_secrets() -> None:
    changes = ("PutSecretValue", "CreateSecret", "UpdateSecret", "DeleteSecret", "RestoreSecret")

    owners = {owner for one in changes for owner in _who(f"secretsmanager:{one}")}
    assert owners == {"ProjectAdminPolicy"}


def test_nobody_writes_the_program_of_the_jobs_but_who_deploys() -> None:
    """What every job of every project begins with; an administrator stores it: `make deploy`."""
    writes = [one for one in ALLOWED if any(a.startswith(WRITES) for a in one.actions)]

    assert writes
    for one in writes:
        for resource in one.resources:
            below = resource.partition("DataBucket}")[2]
            named = bool(NAMED_BUCKETS & set(resource.replace("${", " ").replace("}", " ").split()))
            assert named or below.startswith(("/projects/", "/remote/")), (one.owner, resource)


def test_a_job_writes_below_its_own_project_alone() -> None:
    assert _resources_of("s3:PutObject")["JobRole"] >= {
        "arn:${AWS::Partition}:s3:::${DataBucket}/projects/${Repository}/*"
    }


def test_facts_are_put_on_the_bus_by_those_who_change_records() -> None:
    """A rule cannot tell who has put an event: so few may, and an event moves nothing by itself."""
    who = _who("events:PutEvents")

    services = {"ParserRole", "SubmitterRole", "MonitorRole", "SweeperRole"}
    assert who.keys() == services | {"CommandLinePolicy"}
    assert all(one.resources == ["EventBus Arn"] for ones in who.values() for one in ones)
    (people,) = who["CommandLinePolicy"]
    assert people.declared["Condition"] == {"StringEquals": {"events:source": "cloud-runner"}}


def test_no_policy_of_a_resource_lets_anybody_in_but_services_for_one_source() -> None:
    kinds = {"AWS::Events::EventBusPolicy", "AWS::Lambda::Url"}
    own = [one for one in ALLOWED if one.principals and "Assume" not in one.actions[0]]

    assert not kinds & {one.kind for one in STATEMENTS}
    assert {one.kind for one in own} == {
        "AWS::SQS::QueuePolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::KMS::Key",
        "AWS::EFS::FileSystem",
    }
    for one in own:
        if one.kind == "AWS::SQS::QueuePolicy":
            assert one.principals == [("Service", "events.amazonaws.com")]
            assert list(one.declared["Condition"]) == ["ArnEquals"]
        assert ("", "*") not in one.principals
        assert "*" not in dict(one.principals).values()


def test_commands_are_put_on_queues_by_those_who_give_them() -> None:
    """`statuses` hears the bus alone; `batch-events` Batch, the services that ask, and machines."""
    found = _resources_of("sqs:SendMessage")

    assert "BatchEventsQueue Arn" in found["ReconcilerRole"]
    assert found["MachineRole"] == {"BatchEventsQueueArn"}
    senders = {
        owner for owner, ones in found.items() if any("StatusesQueue" in one for one in ones)
    }
    assert senders == {"StatusesQueuePolicy", "CommandLinePolicy"}
    pushers = {owner for owner, ones in found.items() if "PushesQueue Arn" in ones}
    assert pushers == {"WebhookRole", "CommandLinePolicy"}


def test_roles_are_assumed_by_the_service_that_they_are_for() -> None:
    trusted = {one.owner: one.principals for one in ALLOWED if one.actions == ["sts:AssumeRole"]}

    assert trusted
    assert all(len(who) == 1 and who[0][0] == "Service" for who in trusted.values())
    assert {who[0][1] for who in trusted.values()} == {
        "lambda.amazonaws.com",
        "ec2.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "cloudformation.amazonaws.com",
    }


def test_one_route_is_open_to_the_world_and_is_throttled() -> None:
    template = yaml_parse((PROJECT / "template.yaml").read_text(encoding="utf-8"))
    kinds = {one["Type"] for one in template["Resources"].values()}
    routes = [
        event["Properties"]
        for one in template["Resources"].values()
        for event in one.get("Properties", {}).get("Events", {}).values()
        if event["Type"] not in ("SQS", "Schedule", "ScheduleV2")
    ]

    assert [(one["Method"], one["Path"]) for one in routes] == [("POST", "/bitbucket-webhook")]
    assert not kinds & {"AWS::Lambda::Url", "AWS::Serverless::Api", "AWS::ApiGateway::RestApi"}
    throttle = template["Resources"]["WebhookApi"]["Properties"]["DefaultRouteSettings"]
    assert throttle["ThrottlingRateLimit"] <= 1000


def test_a_stack_asks_for_signatures_unless_somebody_says_otherwise() -> None:
    assert PARAMETERS["RequireSignature"]["Default"] == "true"
    assert PARAMETERS["BitbucketApiUrl"]["AllowedPattern"].startswith("https://")
    assert PARAMETERS["BitbucketGitUrl"]["AllowedPattern"].startswith("https://")


@pytest.mark.parametrize("action", ["iam:PassRole", "iam:CreateRole", "iam:PutRolePolicy"])
def test_roles_are_made_and_handed_on_under_a_condition(action: str) -> None:
    found = _who(action)

    assert found
    assert all("Condition" in one.declared for ones in found.values() for one in ones)
    assert all("*" not in one.resources for ones in found.values() for one in ones)


def test_no_field_of_the_gateways_log_is_what_a_caller_writes() -> None:
    """Its format quotes nothing, so a header or a path could end one field and begin another."""
    template = yaml_parse((PROJECT / "template.yaml").read_text(encoding="utf-8"))
    log = template["Resources"]["WebhookApi"]["Properties"]["AccessLogSettings"]["Format"]

    assert set(re.findall(r"\$context\.([A-Za-z.]+)", log)) <= {
        *("requestId", "identity.sourceIp", "requestTime", "routeKey", "status"),
        *("responseLength", "integrationErrorMessage"),
    }
