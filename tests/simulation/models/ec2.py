"""EC2 in an account without machines: the simulation's runs are all of Batch's."""

from typing import Any

from tests.simulation.models.ports import Chooses, Later, Now, refused


class Ec2:
    """EC2's client; it knows no instance."""

    def __init__(self, now: Now, choices: Chooses, later: Later) -> None:
        del now, choices, later

    def describe_instances(self, *, Filters: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """None, whatever the filters are."""
        del Filters
        return {"Reservations": []}

    def stop_instances(self, *, InstanceIds: list[str]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """Refused: there is no such instance."""
        raise refused("StopInstances", "InvalidInstanceID.NotFound", str(InstanceIds))

    def terminate_instances(self, *, InstanceIds: list[str]) -> dict[str, Any]:  # noqa: N803 - its name
        """Refused: there is no such instance."""
        raise refused("TerminateInstances", "InvalidInstanceID.NotFound", str(InstanceIds))
