"""The tables of docs/cost.md."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from cli.costs import machines
from cli.costs import quantities as q
from cli.costs.prices import REGIONS, Line, Price, prices, total, total_beyond_free
from cli.costs.quantities import Work
from cli.costs.region import Region
from cli.costs.resources import FREE, PAID
from cli.costs.tables import quantity, rate, table, usd
from cli.costs.templates import INSTALLATION, PROJECT, read

RUNS_A_MONTH = (0, 20, 100, 500)
MILLION = 1_000_000
# Parameters that change what a month without a push costs, and what to know beside the figure.
OPTIONS = (
    ("SubnetKind", "private", "and what passes the gateway, by the GB"),
    ("CacheStorage", "efs", "and what the file system holds and moves, by the GB"),
    ("SnapStart", "PublishedVersions", "a delivery that comes alone is answered sooner"),
    ("SnapStart", "None", "a delivery that comes alone is answered later"),
    ("Architecture", "x86_64", ""),
)
_GROWTH = (
    *("s3_gb_month", "image_gb_month", "efs_gb_month", "log_gb", "log_gb_month"),
    *("nat_gb", "transfer_out_gb", "metric_month", "mail"),
)


def answers(regions: list[Region]) -> str:
    """What people ask first."""
    rows: dict[str, Callable[[Region], Decimal]] = {
        "A million pushes without a keyword, in one month": lambda one: (
            total(one.work(q.PUSH, alone=False)) * MILLION
        ),
        "One run, without its machine": lambda one: total(one.work(q.RUN, alone=True)),
        f"One run of {machines.RUN_MINUTES} minutes, with a machine of its own, on demand": (
            lambda one: one.run("m7i_large")
        ),
        "The same on spot": lambda one: one.run("m7i_large_spot"),
        "A month without a push": lambda one: total(one.idle),
        "The same, if nothing else uses what the account has free": lambda one: total_beyond_free(
            one.idle
        ),
        "A month of one CI machine that is always on": lambda one: total(
            machines.always_on(one.prices)
        ),
    }
    return table(
        ["What", *(f"{one.name}:" for one in regions)],
        [[what, *(f"${usd(cost(one))}" for one in regions)] for what, cost in rows.items()],
    )


def idle(region: Region) -> str:
    """A month without a push, line by line, the dearest first."""
    bill = sorted(region.idle, key=lambda line: -line.usd)
    rows = [
        [line.price.what, line.how, quantity(line.quantity), rate(line.price), usd(line.usd)]
        for line in bill
    ]
    rows.append(["**all**", "", "", "", f"**{usd(total(bill))}**"])
    return table(["What", "How much", "Units:", "Price:", "USD a month:"], rows)


def options(region: Region) -> str:
    """What a month without a push, and pushes, cost more or less with another parameter."""
    defaults = {name: value for one in read(INSTALLATION) for name, value in one.defaults.items()}
    rows = []
    for parameter, value, beside in OPTIONS:
        if defaults.get(parameter, value) != value:
            other = replace(region, parameters=((parameter, value),))
            month = total(other.idle) - total(region.idle)
            push = total(other.work(q.PUSH, alone=True)) - total(region.work(q.PUSH, alone=True))
            cells = (_signed(month), _signed(push * MILLION))
            rows.append([f"`{parameter}={value}`", *cells, beside])
    head = ["Parameter", "USD a month:", "USD, a million pushes, each alone:", "Beside"]
    return table(head, rows)


def _signed(amount: Decimal) -> str:
    sign = "-" if amount < 0 else "+" if amount else ""
    return f"{sign}{usd(abs(amount))}"


def work(region: Region, caused: Work, times: int, noun: str) -> str:
    """Something that happens so many times, alone and in a stream."""
    alone = region.work(caused, alone=True)
    stream = {line.price: line for line in region.work(caused, alone=False)}
    rows = []
    for line in alone:
        other = stream.get(line.price, Line(line.price, Decimal(0)))
        what = ", ".join(filter(None, (line.price.what, line.how)))
        figures = (cell for one in (line, other) for cell in _cells(one, times))
        rows.append([what, rate(line.price), *figures])
    sums = (f"**{usd(total(bill) * times)}**" for bill in (alone, tuple(stream.values())))
    rows.append(["**all**", "", *(cell for one in sums for cell in ("", one))])
    money = "USD, a million:" if times == MILLION else f"USD, {times:,}:"
    head = ["What", "Price:", f"Alone, one {noun}:", money, f"In a stream, one {noun}:", money]
    return table(head, rows)


def _cells(line: Line, times: int) -> tuple[str, str]:
    return quantity(line.quantity), usd(line.usd * times)


def comparison(region: Region) -> str:
    """A month with so many runs, here and elsewhere."""
    here = [region.run("m7i_large"), region.run("m7i_large_spot")]
    ci = total(machines.always_on(region.prices))
    pipelines = machines.pipelines_run(region.prices)
    rows = [
        [
            str(runs),
            *(usd(total(region.idle) + runs * run) for run in here),
            usd(ci),
            usd(runs * pipelines),
        ]
        for runs in RUNS_A_MONTH
    ]
    head = ["Runs a month", "Here, on demand:", "Here, spot:", "CI machine:", "Pipelines:"]
    return table(head, rows)


def growth(region: Region) -> str:
    """Prices of what no template tells the quantity of."""
    chosen = [region.prices[name] for name in _GROWTH]
    return table(["What", "USD:"], [[price.what, rate(price)] for price in chosen])


def paid() -> str:
    """The types of the templates that cost money, and for what."""
    used = _used()
    rows = [[f"`{kind}`", str(used[kind]), one.how] for kind, one in PAID.items() if kind in used]
    return table(["Type", "In the templates:", "Paid for"], rows)


def free() -> str:
    """The types of the templates that cost nothing, and why."""
    used = _used()
    reasons: dict[str, list[str]] = {}
    for kind, reason in FREE.items():
        if kind in used:
            reasons.setdefault(reason, []).append(f"`{kind}`")
    return table(["Why", "Types"], [[why, ", ".join(kinds)] for why, kinds in reasons.items()])


def all_prices() -> str:
    """The table of prices."""
    by_region = [prices(name) for name in REGIONS]
    rows = [
        [
            f"[{price.what}]({price.page})",
            *(cell for one in by_region for cell in _known(one[name])),
        ]
        for name, price in by_region[0].items()
    ]
    head = (cell for name in REGIONS for cell in (f"{name}:", "Known"))
    return table(["Price of", *head], rows)


def _known(price: Price) -> Iterator[str]:
    yield rate(price) + ("" if price.checked else " ?")
    yield f"{price.known}" if price.known else ""


def _used() -> dict[str, int]:
    """How many resources of each type the templates hold, under whatever condition."""
    counts: dict[str, int] = {}
    for template in read((*INSTALLATION, *PROJECT)):
        for resource in template.written["Resources"].values():
            counts[resource["Type"]] = counts.get(resource["Type"], 0) + 1
    return counts
