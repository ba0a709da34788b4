"""What it costs that something happens: the bill of one push, run or look around.

A push that comes alone finds nothing warm: each function starts cold and asks for its secrets. In a
stream of a million a month, which is one every 2.6 seconds, functions stay warm and ask for secrets
once a minute. Real installations are in between. In both, X-Ray records everything: it takes one
request a second and function, and 5% of what is beyond.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from cli.costs import quantities as q
from cli.costs.prices import Bill, Line, Prices
from cli.costs.quantities import Invocations, Work
from cli.costs.templates import FUNCTION, Resource

MILLION = 1_000_000


@dataclass(frozen=True)
class Function:
    """What decides over the price of a function's invocations."""

    memory_gib: Decimal
    architecture: str
    traced: bool
    snapstart: bool

    def seconds(self, invocations: Invocations, *, cold: bool) -> Decimal:
        """How long its invocations take together, cold starts included."""
        share = min(Decimal(1), self.memory_gib * 1024 / q.MIB_OF_A_VCPU)
        cpu = q.HANDLER_CPU_SECONDS
        if cold and not self.snapstart:
            cpu += q.COLD_START_CPU_SECONDS
        waiting = (
            invocations.aws_calls * q.AWS_CALL_SECONDS
            + invocations.bitbucket_calls * q.BITBUCKET_CALL_SECONDS
        )
        return invocations.times * cpu / share + waiting


class Installation:
    """What the deployed templates say about the cost of what happens."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        by_kind: dict[str, list[Resource]] = {}
        for resource in resources:
            by_kind.setdefault(resource.kind, []).append(resource)
        self.functions = {service_of(one): _function(one) for one in by_kind[FUNCTION]}
        self.archive_days = Decimal(by_kind["AWS::Events::Archive"][0].properties["RetentionDays"])
        self.log_days = max(
            Decimal(group.properties["RetentionInDays"]) for group in by_kind["AWS::Logs::LogGroup"]
        )
        table = by_kind["AWS::DynamoDB::Table"][0].properties
        # With SSEEnabled the table's key is KMS's own for DynamoDB, whose requests are paid for.
        self.table_asks_kms = bool(table.get("SSESpecification", {}).get("SSEEnabled"))

    def bill(self, work: Work, prices: Prices, *, alone: bool) -> Bill:
        """What `work` costs once; `alone` or as one of a million that come within a month."""
        lines = (*self._lambda(work, prices, alone=alone), *self._rest(work, prices, alone=alone))
        return tuple(line for line in lines if line.quantity)

    def _lambda(self, work: Work, prices: Prices, *, alone: bool) -> Iterator[Line]:
        times = [(self.functions[one.service], one) for one in work.invocations]
        gb_seconds: dict[str, Decimal] = {}
        for f, one in times:
            price = f"lambda_gb_second_{f.architecture}"
            taken = f.memory_gib * f.seconds(one, cold=alone)
            gb_seconds[price] = gb_seconds.get(price, Decimal(0)) + taken
        restored = [f.memory_gib * one.times for f, one in times if alone and f.snapstart]
        invocations = Decimal(sum(one.times for _, one in times))
        traces = Decimal(sum(one.times for f, one in times if f.traced))
        yield Line(prices["lambda_request"], invocations)
        for price, taken in gb_seconds.items():
            yield Line(prices[price], taken)
        yield Line(prices["snapstart_restore"], sum(restored, Decimal(0)))
        yield Line(prices["trace"], traces)

    def _rest(self, work: Work, prices: Prices, *, alone: bool) -> Iterator[Line]:
        log_gb = _log_bytes(work) / q.BYTES_PER_GB
        bus_gb = work.bus_bytes / q.BYTES_PER_GB
        record_gb = 2 * work.record_bytes / q.BYTES_PER_GB  # in the table, and in its index
        yield Line(prices["http_api_request"], Decimal(work.http_requests))
        yield Line(prices["sqs_request"], Decimal(work.messages * q.REQUESTS_PER_MESSAGE))
        yield Line(prices["bus_event"], Decimal(work.bus_events))
        yield Line(prices["archive_gb"], bus_gb)
        yield Line(
            prices["archive_gb_month"], bus_gb * _months(self.archive_days), "as long as it is kept"
        )
        yield Line(prices["table_read"], work.table_reads)
        yield Line(prices["table_write"], work.table_writes)
        yield Line(prices["table_gb_month"], record_gb * 12, "a year")
        yield Line(prices["table_backup_gb_month"], record_gb * 12, "a year")
        yield Line(prices["secret_request"], _asked_again(work.secret_requests, alone=alone))
        if self.table_asks_kms:
            yield Line(prices["key_request"], _keys(work, alone=alone))
        yield Line(prices["log_gb"], log_gb)
        yield Line(
            prices["log_gb_month"], log_gb * _months(self.log_days), "as long as they are kept"
        )


def service_of(function: Resource) -> str:
    """The service whose handler a function runs."""
    return str(function.properties["Handler"]).split(".")[1]


def _function(resource: Resource) -> Function:
    properties = resource.properties
    return Function(
        memory_gib=Decimal(properties["MemorySize"]) / 1024,
        architecture=properties["Architectures"][0],
        traced=properties.get("Tracing") == "Active",
        snapstart=properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions",
    )


def _log_bytes(work: Work) -> Decimal:
    platform = sum(one.times for one in work.invocations) * q.PLATFORM_LOG_BYTES
    return (
        platform
        + sum(one.log_bytes for one in work.invocations)
        + work.http_requests * q.ACCESS_LOG_BYTES
    )


def _asked_again(requests: int, *, alone: bool) -> Decimal:
    """Requests for what is kept for a minute, of one push in a stream or alone."""
    if alone:
        return Decimal(requests)
    return min(Decimal(requests), requests * q.SECONDS_PER_MONTH / q.SECRETS_KEPT_SECONDS / MILLION)


def _keys(work: Work, *, alone: bool) -> Decimal:
    times = Decimal(work.table_invocations)
    if alone:
        return times
    return min(times, times * q.SECONDS_PER_MONTH / q.TABLE_KEY_KEPT_SECONDS / MILLION)


def _months(days: Decimal) -> Decimal:
    return days * 24 / q.HOURS_PER_MONTH
