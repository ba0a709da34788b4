"""What the world is told of a record: an event of its latest version, and the commit's status."""

from collections.abc import Mapping
from typing import Any

from services.notifier.statuses import Links, status
from shared.runs import Run
from tests.samples import NAMES, REGION
from tests.simulation.records import Record, named
from tests.simulation.violations import Violation
from tests.simulation.world import World

# Bitbucket's word for each state.
SHOWN: Mapping[str, str] = {
    "requested": "INPROGRESS",
    "submitted": "INPROGRESS",
    "running": "INPROGRESS",
    "succeeded": "SUCCESSFUL",
    "stopped": "STOPPED",
    "failed": "FAILED",
    "rejected": "FAILED",
}
_LINKS = Links(REGION)


def check(world: World, record: Record, published: set[tuple[str, int]]) -> None:
    """See that the latest version of a record was told; `published` is what was put on the bus.

    Raises:
        Violation: it was not.

    """
    if (record["run_id"], record["version"]) not in published:
        raise Violation("every-write-published", f"{named(record)}: it is not on the bus")
    _check_status(world, record)


def _check_status(world: World, record: Record) -> None:
    """See that the commit's status says what the record says."""
    who, commit = named(record), record["commit"]
    full_name = world.bitbucket.first_name(record["repository"]["full_name"])
    if (full_name, commit) in world.ledger.gone:
        return
    key = f"cloud-run-{record['run_id']}"
    seen = world.bitbucket.statuses.get((full_name, commit, key))
    if seen is None:
        raise Violation("status-is-the-records", f"{who}: {commit[:12]} has no status")
    # Name, description and link are the product's own words, which its tests look at: what is true
    # of the product or not, are key, branch and state.
    expected: dict[str, Any] = status(Run.model_validate(record), _LINKS, NAMES.stack)
    told = {"key": key, "refname": record["branch"], "state": SHOWN[record["state"]]}
    differs = {
        name: (seen.get(name), one)
        for name, one in (expected | told).items()
        if seen.get(name) != one
    }
    if differs:
        raise Violation("status-is-the-records", f"{who}: seen and true: {differs}")
