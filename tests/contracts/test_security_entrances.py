"""Who may speak on the bus and the queues, and what is open to the world: in all four templates."""

import re

from samtranslator.yaml_helper import yaml_parse

from tests.contracts.policies import ALLOWED, STATEMENTS, Statement, resources_of, who_may
from tests.contracts.wiring import PARAMETERS, PROJECT

# Policies of resources that name no one source: by resource and principal, why.
OPEN = {
    ("MailKey", "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"): "the account that owns it",
    ("MailKey", "events.amazonaws.com"): "EventBridge publishes to an encrypted topic only where "
    "nothing is asked of it (SNS developer guide, key management)",
    ("FailedRunsTopicPolicy", "events.amazonaws.com"): "the same",
    ("CacheFileSystem", "MachineRole Arn"): "a role of the stack, not a service",
}


def test_facts_are_put_on_the_bus_by_those_who_change_records() -> None:
    """A rule cannot tell who has put an event: so few may, and an event moves nothing by itself."""
    who = who_may("events:PutEvents")

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


def test_a_service_that_acts_for_anybody_may_do_that_one_thing() -> None:
    may = {
        (one.owner, name): sorted(one.actions)
        for one in ALLOWED
        for kind, name in one.principals
        if kind == "Service" and "Assume" not in one.actions[0] and not _names_a_source(one)
    }

    assert may == {
        ("FailedRunsTopicPolicy", "events.amazonaws.com"): ["sns:Publish"],
        ("MailKey", "events.amazonaws.com"): ["kms:Decrypt", "kms:GenerateDataKey*"],
    }


def _names_a_source(one: Statement) -> bool:
    conditions = one.declared.get("Condition", {})
    keys = {key for test in ("ArnEquals", "StringEquals") for key in conditions.get(test, {})}
    return bool({"aws:SourceArn", "aws:SourceAccount"} & keys)


def test_commands_are_put_on_queues_by_those_who_give_them() -> None:
    """`statuses` hears the bus alone; `batch-events` Batch, the services that ask, and machines."""
    found = resources_of("sqs:SendMessage")

    assert "BatchEventsQueue Arn" in found["ReconcilerRole"]
    assert found["MachineRole"] == {"BatchEventsQueueArn"}
    senders = {
        owner for owner, ones in found.items() if any("StatusesQueue" in one for one in ones)
    }
    assert senders == {"StatusesQueuePolicy", "CommandLinePolicy"}
    pushers = {owner for owner, ones in found.items() if "PushesQueue Arn" in ones}
    assert pushers == {"WebhookRole", "CommandLinePolicy"}


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
    # Every kind of entrance but the one HTTP API; and SAM's own way to open a function.
    entrances = ("AWS::Lambda::Url", "AWS::Serverless::", "AWS::ApiGateway", "AWS::AppSync::")
    opened = {kind for kind in kinds if kind.startswith(entrances)}
    assert opened == {"AWS::Serverless::Function", "AWS::Serverless::HttpApi"} | (
        kinds & {"AWS::Serverless::LayerVersion"}
    )
    resources = template["Resources"].values()
    assert sum(one["Type"] == "AWS::Serverless::HttpApi" for one in resources) == 1
    assert not [one for one in resources if "FunctionUrlConfig" in one.get("Properties", {})]
    assert "FunctionUrlConfig" not in str(template.get("Globals", {}))
    throttle = template["Resources"]["WebhookApi"]["Properties"]["DefaultRouteSettings"]
    assert throttle["ThrottlingRateLimit"] <= 1000


def test_a_stack_asks_for_signatures_unless_somebody_says_otherwise() -> None:
    assert PARAMETERS["RequireSignature"]["Default"] == "true"
    # What an environment overrides wins.
    assert "RequireSignature" not in (PROJECT / "samconfig.toml").read_text(encoding="utf-8")
    assert PARAMETERS["BitbucketApiUrl"]["AllowedPattern"].startswith("https://")
    assert PARAMETERS["BitbucketGitUrl"]["AllowedPattern"].startswith("https://")


def test_no_field_of_the_gateways_log_is_what_a_caller_writes() -> None:
    """Its format quotes nothing, so a header or a path could end one field and begin another."""
    template = yaml_parse((PROJECT / "template.yaml").read_text(encoding="utf-8"))
    log = template["Resources"]["WebhookApi"]["Properties"]["AccessLogSettings"]["Format"]

    assert set(re.findall(r"\$context\.([A-Za-z.]+)", log)) <= {
        *("requestId", "identity.sourceIp", "requestTime", "routeKey", "status"),
        *("responseLength", "integrationErrorMessage"),
    }
