"""An installation in one region: what the templates make, at that region's prices."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from cli.costs import quantities as q
from cli.costs.machines import Machines
from cli.costs.prices import Bill, Prices, prices, total
from cli.costs.quantities import Work
from cli.costs.resources import Month, idle
from cli.costs.templates import INSTALLATION, Resource, deployed, read
from cli.costs.usage import Installation


@dataclass(frozen=True)
class Region:
    """An installation in the region of this name, with defaults where `parameters` say nothing."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()

    @cached_property
    def prices(self) -> Prices:
        """Every price, by name."""
        return prices(self.name)

    @cached_property
    def resources(self) -> list[Resource]:
        """What the templates make."""
        return deployed(INSTALLATION, dict(self.parameters))

    @cached_property
    def installation(self) -> Installation:
        """What the templates say about use."""
        return Installation(self.resources)

    @cached_property
    def idle(self) -> Bill:
        """A month without a push."""
        return idle(self.resources, Month(self.prices, self.installation))

    def work(self, work: Work, *, alone: bool) -> Bill:
        """What happens once; `alone`, or in a stream."""
        return self.installation.bill(work, self.prices, alone=alone)

    @cached_property
    def machines(self) -> Machines:
        """The machines of runs, with the disk that the templates give them."""
        return Machines(self.prices, Decimal(read(INSTALLATION)[0].defaults["DiskGiB"]))

    def run(self, instance: str) -> Decimal:
        """A run that comes alone, its machine included."""
        return total(self.work(q.RUN, alone=True)) + self.machines.run(instance)
