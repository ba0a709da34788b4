"""What machines cost: those that Batch starts for a run, and one that is always there for CI."""

from dataclasses import dataclass
from decimal import Decimal

from cli.costs import quantities as q
from cli.costs.prices import Line, Prices

# The examples of the page. A machine starts, pulls the image, and stays a while after its last run
# until Batch ends it: ten minutes in all are assumed for a run that comes alone.
RUN_MINUTES = Decimal(30)
AROUND_MINUTES = Decimal(10)
CI_DISK_GB = Decimal(100)
# A step of size 2x has the 8 GB of an m7i.large, and takes two build minutes a minute.
PIPELINES_SIZE = 2


@dataclass(frozen=True)
class Machines:
    """Machines with a disk of `disk_gb` and an address of their own."""

    prices: Prices
    disk_gb: Decimal

    def hour(self, instance: str) -> Decimal:
        """An hour of a machine that runs jobs; `instance` is a price's name without its unit."""
        disk = self.prices["disk_gb_month"].usd * self.disk_gb / q.HOURS_PER_MONTH
        return self.prices[f"{instance}_hour"].usd + disk + self.prices["address_hour"].usd

    def run(self, instance: str) -> Decimal:
        """A run of RUN_MINUTES on a machine that was started for it."""
        return self.hour(instance) * (RUN_MINUTES + AROUND_MINUTES) / 60


def always_on(prices: Prices) -> tuple[Line, ...]:
    """A month of one CI machine, m7i.large."""
    return (
        Line(prices["m7i_large_hour"], q.HOURS_PER_MONTH),
        Line(prices["disk_gb_month"], CI_DISK_GB),
        Line(prices["address_hour"], q.HOURS_PER_MONTH),
    )


def pipelines_run(prices: Prices) -> Decimal:
    """The same run as a step of Bitbucket Pipelines, beyond the minutes that a plan includes."""
    return prices["pipelines_minute"].usd * RUN_MINUTES * PIPELINES_SIZE
