"""docs/cost.md as a text: the words are in page.md, the figures come from here."""

from decimal import Decimal
from importlib import resources
from string import Template

from cli.costs import figures, machines
from cli.costs import quantities as q
from cli.costs.prices import REGIONS, Line, total
from cli.costs.region import Region
from cli.costs.tables import rate, usd


class _Words(Template):
    # Prices are full of the usual one.
    delimiter = "@"


def page() -> str:
    """The whole page; the same templates, quantities and prices give the same text."""
    regions = [Region(name) for name in REGIONS]
    text = resources.files(__package__).joinpath("page.md").read_text(encoding="utf-8")
    return _Words(text).substitute(_tables(regions) | _sentences(regions[0]))


def _tables(regions: list[Region]) -> dict[str, str]:
    first = regions[0]
    return {
        "answers": figures.answers(regions),
        "comparison": figures.comparison(first),
        "free": figures.free(),
        "growth": figures.growth(first),
        "idle": figures.idle(first),
        "options": figures.options(first),
        "paid": figures.paid(),
        "prices": figures.all_prices(),
        "push": figures.work(first, q.PUSH, 1_000_000, "push"),
        "run": figures.work(first, q.RUN, 1_000, "run"),
    }


def _sentences(region: Region) -> dict[str, str]:
    """What stands in sentences."""
    prices = region.prices
    polls = next(line for line in region.idle if line.price.name == "sqs_request")
    polls_each = q.SECONDS_PER_MONTH / q.POLL_SECONDS
    unlimited = polls.usd / q.IDLE_POLLERS * q.IDLE_POLLERS_UNLIMITED
    return {
        "access_log": str(q.ACCESS_LOG_BYTES),
        "around_minutes": str(machines.AROUND_MINUTES),
        "aws_call": _ms(q.AWS_CALL_SECONDS),
        "bitbucket_call": _ms(q.BITBUCKET_CALL_SECONDS),
        "break_even": f"{_break_even(region):,}",
        "ci_disk_gb": str(machines.CI_DISK_GB),
        "cold_cpu": _ms(q.COLD_START_CPU_SECONDS),
        "disk_gb": str(region.machines.disk_gb),
        "gpu_hour": usd(prices["g5_xlarge_hour"].usd),
        "gpu_month": usd(Line(prices["g5_xlarge_hour"], q.HOURS_PER_MONTH).usd),
        "handler_cpu": _ms(q.HANDLER_CPU_SECONDS),
        "hours": str(q.HOURS_PER_MONTH),
        "notes": "\n".join(f"- {one.what}: {one.note}." for one in prices.values() if one.note),
        "pipelines_size": str(machines.PIPELINES_SIZE),
        "platform_log": str(q.PLATFORM_LOG_BYTES),
        "poll_seconds": str(q.POLL_SECONDS),
        "pollers": f"{polls.quantity / polls_each:,.0f}",
        "polls": f"{polls.quantity:,.0f}",
        "polls_each": f"{polls_each:,.0f}",
        "polls_rate": rate(polls.price),
        "polls_unlimited_usd": usd(unlimited),
        "polls_usd": usd(polls.usd),
        "prices_count": str(len(prices)),
        "region": region.name,
        "run_minutes": str(machines.RUN_MINUTES),
        "unchecked": str(sum(not price.checked for price in prices.values())),
        "vcpu_mib": f"{q.MIB_OF_A_VCPU:,}",
    }


def _break_even(region: Region) -> int:
    """How many runs a month cost, with what is always there, what the CI machine does."""
    month = total(machines.always_on(region.prices))
    return int((month - total(region.idle)) / region.run("m7i_large"))


def _ms(seconds: Decimal) -> str:
    return f"{seconds * 1000:.0f} ms"
