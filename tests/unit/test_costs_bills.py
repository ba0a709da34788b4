"""Bills: quantities times prices, for what is there and for what happens."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from cli.costs.machines import Machines
from cli.costs.prices import REGIONS, Bill, Line, prices, total, total_beyond_free
from cli.costs.quantities import LOOK_AROUND, PUSH
from cli.costs.resources import Month, idle
from cli.costs.templates import Resource
from cli.costs.usage import Installation

EU = prices("eu-west-1")
LIMITED = {"ScalingConfig": {"MaximumConcurrency": 5}}


def function(service: str, **properties: object) -> Resource:
    shared = {"MemorySize": 512, "Architectures": ["arm64"], "Tracing": "Active"}
    handler = {"Handler": f"services.{service}.app.handler"}
    return Resource(service, "AWS::Serverless::Function", shared | handler | properties)


def source(**properties: Any) -> dict[str, Any]:
    return {"Events": {"Queue": {"Type": "SQS", "Properties": properties}}}


def deployment(*more: Resource) -> list[Resource]:
    """The least that an installation has."""
    return [
        Resource("Archive", "AWS::Events::Archive", {"RetentionDays": 73}),
        Resource("Logs", "AWS::Logs::LogGroup", {"RetentionInDays": 73}),
        Resource("Table", "AWS::DynamoDB::Table", {"SSESpecification": {"SSEEnabled": True}}),
        *more,
    ]


WORKERS = (function("webhook"), function("parser"), function("reconciler"))


def idle_bill(*more: Resource) -> dict[str, Decimal]:
    """Units by price of a month in which nobody pushes."""
    has_functions = any("Handler" in one.properties for one in more)
    resources = deployment(*more, *(() if has_functions else WORKERS))
    return units(idle(resources, Month(EU, Installation(resources))))


def units(bill: Bill) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in bill:
        found[line.price.name] = found.get(line.price.name, Decimal(0)) + line.quantity
    return found


def of_type(kind: str, **properties: object) -> Resource:
    return Resource(kind, kind, properties)


def test_an_idle_queue_with_a_limit_is_asked_by_five_connections_every_20_seconds() -> None:
    assert idle_bill(function("parser", **source(**LIMITED))) == {"sqs_request": 5 * 131_400}


def test_an_idle_queue_without_a_limit_is_asked_by_two() -> None:
    assert idle_bill(function("parser", **source())) == {"sqs_request": 2 * 131_400}


def test_a_snapshot_is_kept_each_second_of_the_month() -> None:
    snapshot = {"SnapStart": {"ApplyOn": "PublishedVersions"}}

    assert idle_bill(function("webhook", **snapshot)) == {
        "snapstart_cache": Decimal("0.5") * 730 * 3600
    }


def test_what_exists_is_paid_by_the_month() -> None:
    bill = idle_bill(
        of_type("AWS::SecretsManager::Secret"),
        of_type("AWS::KMS::Key"),
        of_type("AWS::CloudWatch::Alarm"),
        of_type("AWS::CloudWatch::Alarm", AlarmName="another"),
        of_type("AWS::CloudWatch::Dashboard"),
        of_type("AWS::EC2::NatGateway"),
        of_type("AWS::EC2::EIP"),
        of_type("AWS::SQS::Queue"),
    )

    assert bill == {
        "secret_month": 1,
        "key_month": 1,
        "alarm_month": 2,
        "dashboard_month": 1,
        "nat_hour": 730,
        "address_hour": 730,
    }


@pytest.mark.parametrize(
    ("rate", "times"), [("rate(5 minutes)", 8760), ("rate(1 hour)", 730), ("rate(1 day)", 730 / 24)]
)
def test_the_reconciler_is_paid_as_often_as_its_schedule_says(rate: str, times: float) -> None:
    bill = idle_bill(of_type("AWS::Events::Rule", ScheduleExpression=rate))

    assert bill["lambda_request"] == pytest.approx(Decimal(times))
    assert bill["table_read"] == pytest.approx(Decimal(times) * LOOK_AROUND.table_reads)


def test_a_rule_without_a_schedule_costs_nothing() -> None:
    assert not idle_bill(of_type("AWS::Events::Rule", EventPattern={}))


def test_a_metric_that_always_has_a_value_is_paid_once_however_many_fill_it() -> None:
    def filtering(name: str, **transformation: object) -> Resource:
        metric = {"MetricNamespace": "runner", "MetricName": name} | transformation
        return of_type("AWS::Logs::MetricFilter", MetricTransformations=[metric])

    bill = idle_bill(
        filtering("Failures", DefaultValue=0),
        filtering("Failures", DefaultValue=0, MetricValue="1"),
        filtering("Refusals"),
    )

    assert bill == {"metric_month": 1}


def work_bill(*functions: Resource, alone: bool) -> dict[str, Decimal]:
    return units(Installation(deployment(*functions)).bill(PUSH, EU, alone=alone))


def test_a_push_that_comes_alone_starts_functions_cold_and_asks_for_secrets() -> None:
    alone, stream = (work_bill(*WORKERS, alone=alone) for alone in (True, False))

    assert alone["secret_request"] == 1
    # Once a minute of 730 hours, in a million.
    assert stream["secret_request"] == Decimal("0.0438")
    assert alone["lambda_gb_second_arm64"] > 10 * stream["lambda_gb_second_arm64"]


def test_with_a_snapshot_a_cold_start_is_a_restore_of_its_memory() -> None:
    snapshot = function("webhook", SnapStart={"ApplyOn": "PublishedVersions"})
    restored = work_bill(snapshot, *WORKERS[1:], alone=True)
    warm = work_bill(snapshot, *WORKERS[1:], alone=False)

    assert restored["snapstart_restore"] == Decimal("0.5")
    assert "snapstart_restore" not in warm


def test_twice_the_memory_costs_more_only_for_what_is_waited_for() -> None:
    small = work_bill(*WORKERS, alone=False)["lambda_gb_second_arm64"]
    large = work_bill(*(function(one.name, MemorySize=1024) for one in WORKERS), alone=False)

    assert small < large["lambda_gb_second_arm64"] < 2 * small


def test_untraced_functions_and_other_processors_have_prices_of_their_own() -> None:
    plain = (function(one.name, Tracing="PassThrough", Architectures=["x86_64"]) for one in WORKERS)
    bill = work_bill(*plain, alone=False)

    assert "trace" not in bill
    assert "lambda_gb_second_x86_64" in bill


def test_what_is_free_in_an_account_is_taken_off_once() -> None:
    requests = Line(EU["sqs_request"], Decimal(800_000))

    assert total_beyond_free((requests,)) == 0
    assert total_beyond_free((requests, requests)) == EU["sqs_request"].usd * 600_000
    assert total((requests, requests)) == EU["sqs_request"].usd * 1_600_000


def test_a_machine_is_paid_with_its_disk_its_address_and_the_time_around_a_run() -> None:
    machines = Machines(priced(m7i_large_hour="0.10", disk_gb_month="0.073"), Decimal(100))

    assert machines.hour("m7i_large") == Decimal("0.10") + Decimal("0.01") + EU["address_hour"].usd
    assert machines.run("m7i_large") == machines.hour("m7i_large") * 40 / 60


def priced(**usd: str) -> Mapping[str, Any]:
    return {**EU, **{name: replace(EU[name], usd=Decimal(text)) for name, text in usd.items()}}


@pytest.mark.parametrize("region", REGIONS)
def test_every_price_is_told_for_every_region(region: str) -> None:
    for price in prices(region).values():
        assert price.usd > 0
        assert price.page.startswith("https://")
