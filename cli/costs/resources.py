"""How each type of resource in the templates costs money: by being there, with use, or not at all.

Every type that a template uses is either in PAID or in FREE; a test holds that.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cli.costs import quantities as q
from cli.costs.prices import Bill, Line, Prices
from cli.costs.templates import FUNCTION, Resource
from cli.costs.usage import Installation

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


@dataclass(frozen=True)
class Month:
    """A month in which nobody pushes."""

    prices: Prices
    installation: Installation

    def each(self, price: str, resources: Sequence[Resource], noun: str) -> Iterator[Line]:
        """One unit of `price` for each resource."""
        count = len(resources)
        plural = "" if count == 1 else "s"
        yield Line(self.prices[price], Decimal(count), f"{count} {noun}{plural}")

    def functions(self, functions: Sequence[Resource]) -> Iterator[Line]:
        """Lambda asks queues for messages all the time, and SnapStart keeps a snapshot."""
        sources = [
            event["Properties"]
            for function in functions
            for event in function.properties.get("Events", {}).values()
            if event["Type"] == "SQS"
        ]
        limited = [one for one in sources if "MaximumConcurrency" in one.get("ScalingConfig", {})]
        pollers = (
            len(limited) * q.IDLE_POLLERS + (len(sources) - len(limited)) * q.IDLE_POLLERS_UNLIMITED
        )
        yield Line(
            self.prices["sqs_request"],
            pollers * q.SECONDS_PER_MONTH / q.POLL_SECONDS,
            f"{pollers} pollers of {len(sources)} queues, one request in {q.POLL_SECONDS} s each",
        )
        kept = [one for one in self.installation.functions.values() if one.snapstart]
        gib = sum((one.memory_gib for one in kept), Decimal(0))
        if kept:
            yield Line(
                self.prices["snapstart_cache"],
                gib * q.SECONDS_PER_MONTH,
                f"{len(kept)} published version of {gib} GB, each second of the month",
            )

    def rules(self, rules: Sequence[Resource]) -> Iterator[Line]:
        """The reconciler looks around, whether anything runs or not."""
        for rule in rules:
            schedule = rule.properties.get("ScheduleExpression")
            if schedule is None:
                continue
            minutes = _minutes(str(schedule))
            times = q.HOURS_PER_MONTH * 60 / minutes
            for line in self.installation.bill(q.LOOK_AROUND, self.prices, alone=True):
                how = f"the reconciler, {times:,.0f} times {line.how}".rstrip()
                yield Line(line.price, line.quantity * times, how)

    def filters(self, filters: Sequence[Resource]) -> Iterator[Line]:
        """A metric costs something in hours in which it has a value."""
        always = {
            (str(one["MetricNamespace"]), one["MetricName"])
            for resource in filters
            for one in resource.properties["MetricTransformations"]
            if "DefaultValue" in one
        }
        if always:
            yield Line(self.prices["metric_month"], Decimal(len(always)), "metrics with a default")

    def gateways(self, gateways: Sequence[Resource]) -> Iterator[Line]:
        """A NAT gateway is paid for by the hour."""
        yield self._always("nat_hour", gateways)

    def addresses(self, addresses: Sequence[Resource]) -> Iterator[Line]:
        """So is an address, used or not."""
        yield self._always("address_hour", addresses)

    def _always(self, price: str, resources: Sequence[Resource]) -> Line:
        count = len(resources)
        return Line(self.prices[price], count * q.HOURS_PER_MONTH, f"{count}, every hour")


Idle = Callable[[Month, Sequence[Resource]], Iterable[Line]]


@dataclass(frozen=True)
class Paid:
    """A type that costs money: `how` in words, and what a month without a push costs of it."""

    how: str
    idle: Idle = lambda _month, _resources: ()


def _each(price: str, noun: str) -> Idle:
    return lambda month, resources: month.each(price, resources, noun)


_MONTHLY = "per month, and per request"
PAID: Mapping[str, Paid] = {
    FUNCTION: Paid("per invocation and GB-second; pollers and snapshots always", Month.functions),
    "AWS::Serverless::HttpApi": Paid("per request"),
    "AWS::SQS::Queue": Paid("per request"),
    "AWS::Events::EventBus": Paid("per event of our own"),
    "AWS::Events::Archive": Paid("per GB put in, and per GB and month"),
    "AWS::Events::Rule": Paid("nothing itself; the schedule invokes the reconciler", Month.rules),
    "AWS::DynamoDB::Table": Paid("per read and write, and per GB and month"),
    "AWS::SecretsManager::Secret": Paid(_MONTHLY, _each("secret_month", "secret")),
    "AWS::KMS::Key": Paid(_MONTHLY, _each("key_month", "key")),
    "AWS::SNS::Topic": Paid("per mail, which only failures and alarms cause"),
    "AWS::CloudWatch::Alarm": Paid("per month", _each("alarm_month", "alarm")),
    "AWS::CloudWatch::Dashboard": Paid("per month", _each("dashboard_month", "dashboard")),
    "AWS::Logs::LogGroup": Paid("per GB taken in, and per GB and month"),
    "AWS::Logs::MetricFilter": Paid("per metric, in hours in which a line matches", Month.filters),
    "AWS::S3::Bucket": Paid("per GB and month, and per request"),
    "AWS::ECR::Repository": Paid("per GB and month"),
    "AWS::EFS::FileSystem": Paid("per GB and month"),
    "AWS::EC2::NatGateway": Paid("per hour, and per GB", Month.gateways),
    "AWS::EC2::EIP": Paid("per hour", Month.addresses),
    "AWS::EC2::LaunchTemplate": Paid("nothing itself; machines per second, while jobs run"),
    "AWS::Batch::ComputeEnvironment": Paid("nothing itself; machines per second, while jobs run"),
}

_IAM = "IAM costs nothing"
_PART = "part of what it belongs to"
_VPC = "of a VPC, gateways and addresses alone cost something"
_BATCH = "Batch costs nothing beyond its machines"
FREE: Mapping[str, str] = {
    "AWS::Batch::JobDefinition": _BATCH,
    "AWS::Batch::JobQueue": _BATCH,
    "AWS::Batch::SchedulingPolicy": _BATCH,
    "AWS::CloudFormation::Stack": "CloudFormation costs nothing for AWS's own types",
    "AWS::EC2::InternetGateway": _VPC,
    "AWS::EC2::Route": _VPC,
    "AWS::EC2::RouteTable": _VPC,
    "AWS::EC2::SecurityGroup": _VPC,
    "AWS::EC2::SecurityGroupEgress": _VPC,
    "AWS::EC2::SecurityGroupIngress": _VPC,
    "AWS::EC2::Subnet": _VPC,
    "AWS::EC2::SubnetRouteTableAssociation": _VPC,
    "AWS::EC2::VPC": _VPC,
    "AWS::EC2::VPCEndpoint": "gateway endpoints cost nothing; a test finds one of another kind",
    "AWS::EC2::VPCGatewayAttachment": _VPC,
    "AWS::EFS::AccessPoint": _PART,
    "AWS::EFS::MountTarget": _PART,
    "AWS::IAM::InstanceProfile": _IAM,
    "AWS::IAM::ManagedPolicy": _IAM,
    "AWS::IAM::Policy": _IAM,
    "AWS::IAM::Role": _IAM,
    "AWS::KMS::Alias": _PART,
    "AWS::Lambda::Permission": _PART,
    "AWS::S3::BucketPolicy": _PART,
    "AWS::SNS::Subscription": "what it sends is paid for with its topic",
    "AWS::SNS::TopicPolicy": _PART,
    "AWS::SQS::QueuePolicy": _PART,
    "AWS::Serverless::LayerVersion": "Lambda keeps 75 GB of code for nothing",
}


def idle(resources: Iterable[Resource], month: Month) -> Bill:
    """The bill of a month in which nobody pushes."""
    by_kind: dict[str, list[Resource]] = {}
    for resource in resources:
        by_kind.setdefault(resource.kind, []).append(resource)
    return tuple(
        line
        for kind, paid in PAID.items()
        if kind in by_kind
        for line in paid.idle(month, by_kind[kind])
        if line.quantity
    )


def _minutes(schedule: str) -> int:
    found = _RATE.fullmatch(schedule)
    if found is None:
        message = f"a schedule that is no rate: {schedule}"
        raise ValueError(message)
    return int(found[1]) * _MINUTES[found[2]]
