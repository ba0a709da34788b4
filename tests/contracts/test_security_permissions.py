"""Who may read secrets, write the job's program, speak on bus and queues: in all four templates."""

import re

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.contracts.policies import (
    FILES,
    Statement,
    covers,
    covers_some,
    managed_policies,
    statements,
)
from tests.contracts.wiring import PARAMETERS, PROJECT

# How actions begin that change an object or a bucket, a secret or who may read it.
WRITES = ("s3:Put", "s3:Delete", "s3:Restore", "s3:Abort", "s3:Create", "s3:Replicate")
CHANGES = tuple(
    f"secretsmanager:{verb}"
    for verb in ("Put", "Create", "Update", "Delete", "Restore", "Rotate", "Replicate", "Cancel")
)
# Where somebody else's stack begins: buckets that an administrator has named.
NAMED_BUCKETS = {"RemoteBucketArns", "ExtraBucketArns"}
# By template, the patterns of actions that it may hold. A key's owner needs `kms:*`, or nobody
# could change it any more, and `GenerateDataKey*` is what the two calls for a topic are granted as.
PATTERNS: dict[str, set[tuple[str, str]]] = {
    "template.yaml": {("Allow", "kms:*"), ("Allow", "kms:GenerateDataKey*")},
    "container/compute.yaml": {("Deny", "s3:*")},
    "container/project.yaml": set(),
    "container/remote.yaml": set(),
}
# Policies of resources that name no one source: by resource and principal, why.
OPEN = {
    ("MailKey", "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"): "the account that owns it",
    ("MailKey", "events.amazonaws.com"): "EventBridge publishes to an encrypted topic only where "
    "nothing is asked of it (SNS developer guide, key management)",
    ("FailedRunsTopicPolicy", "events.amazonaws.com"): "the same",
    ("CacheFileSystem", "MachineRole Arn"): "a role of the stack, not a service",
}

STATEMENTS = list(statements())
ALLOWED = [one for one in STATEMENTS if one.declared["Effect"] == "Allow"]


def _who(action: str) -> dict[str, list[Statement]]:
    """By the role or policy, what allows an action."""
    found: dict[str, list[Statement]] = {}
    for one in ALLOWED:
        if any(covers(pattern, action) for pattern in one.actions):
            found.setdefault(one.owner, []).append(one)
    return found


def _resources_of(*actions: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for action in actions:
        for owner, ones in _who(action).items():
            found.setdefault(owner, set()).update(name for one in ones for name in one.resources)
    return found


@pytest.mark.parametrize("file", FILES)
def test_no_action_is_a_pattern_but_the_few_that_are_known(file: str) -> None:
    here = [one for one in STATEMENTS if one.file == file]
    actions = {(one.declared["Effect"], action) for one in here for action in one.actions}

    assert here
    assert {pair for pair in actions if set("*?") & set(pair[1])} == PATTERNS[file]


def test_a_statement_says_what_it_is_about_and_never_what_it_is_not() -> None:
    """`NotAction` and its like allow whatever nobody has thought of."""
    for one in STATEMENTS:
        assert not {"NotAction", "NotResource", "NotPrincipal"} & one.declared.keys(), one.owner
        assert one.actions, one.owner


def test_a_role_has_no_policy_of_aws_but_the_agents_of_containers() -> None:
    """What such a policy allows stands in no template, and AWS may change it."""
    (given,) = managed_policies()

    assert given[0] == "MachineRole"
    assert given[1].endswith(":iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role")


@pytest.mark.parametrize(
    "pattern", ["s3:PutObject", "s3:Put*", "s3:P*", "s3:*", "*", "S3:putobject", "s3:?utObject"]
)
def test_an_action_is_found_whatever_pattern_allows_it(pattern: str) -> None:
    assert covers(pattern, "s3:PutObject")
    assert covers_some(pattern, WRITES)


@pytest.mark.parametrize("pattern", ["s3:GetObject", "s3:Get*", "s3:List*", "sqs:*"])
def test_an_action_is_not_found_where_nothing_allows_it(pattern: str) -> None:
    assert not covers(pattern, "s3:PutObject")
    assert not covers_some(pattern, WRITES)


SECRETS = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    "${Organization}/${Environment}"
)
HOOKS, SHARED, OWN = "AuthorisedHooksSecret", "BitbucketAuthSecret", f"{SECRETS}/bitbucket-auth/*"


def test_each_secret_is_read_by_those_who_need_it_and_by_nobody_else() -> None:
    """Not by parser, submitter, monitor and reconciler, and not by the role of a job."""
    reads = ("secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue")

    assert _resources_of(*reads) == {
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
    owners = {
        one.owner for one in ALLOWED for action in one.actions if covers_some(action, CHANGES)
    }

    assert owners == {"ProjectAdminPolicy"}


def test_nobody_writes_the_program_of_the_jobs_but_who_deploys() -> None:
    """What every job of every project begins with; an administrator stores it: `make deploy`."""
    writes = [one for one in ALLOWED if any(covers_some(a, WRITES) for a in one.actions)]

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
        assert one.principals
        assert all("*" not in name for _, name in one.principals), one.owner
        if one.kind == "AWS::SQS::QueuePolicy":
            assert one.principals == [("Service", "events.amazonaws.com")]
            assert list(one.declared["Condition"]) == ["ArnEquals"]
    assert {
        (one.owner, name) for one in own for _, name in one.principals if not _names_a_source(one)
    } == OPEN.keys()


def _names_a_source(one: Statement) -> bool:
    conditions = one.declared.get("Condition", {})
    keys = {key for test in ("ArnEquals", "StringEquals") for key in conditions.get(test, {})}
    return bool({"aws:SourceArn", "aws:SourceAccount"} & keys)


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
