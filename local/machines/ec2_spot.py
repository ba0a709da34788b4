"""Spot requests and spot's prices, as EC2 tells them."""

from datetime import UTC, datetime
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.spot_instances import SpotInstances

from local.machines.fleet import Fleet
from local.machines.spot import SpotRequest, price_history

_ENDED_BY: Final = {
    "Client.UserInitiatedShutdown": "instance-terminated-by-user",
    "Client.InstanceInitiatedShutdown": "instance-terminated-by-user",
    "Server.SpotInstanceTermination": "instance-terminated-by-service",
}


class SpotRequests(SpotInstances):
    """The operations on requests that RunInstances has made, and on prices."""

    fleet: Fleet

    def describe_spot_instance_requests(self) -> ActionResult:
        """The spot requests that there are, and were."""
        self._close()
        return super().describe_spot_instance_requests()

    def cancel_spot_instance_requests(self) -> ActionResult:
        """Take spot requests back; what they have brought stays."""
        self._close()
        known: dict[str, SpotRequest] = self.ec2_backend.spot_instance_requests
        ids = self._get_param("SpotInstanceRequestIds", [])
        for one in ids:
            if one not in known:
                message = f"The spot instance request ID '{one}' does not exist"
                raise EC2ClientError("InvalidSpotInstanceRequestID.NotFound", message)
            known[one].cancel()
        told = [{"SpotInstanceRequestId": one, "State": known[one].state} for one in ids]
        return ActionResult({"CancelledSpotInstanceRequests": told})

    def describe_spot_price_history(self) -> ActionResult:
        """Made-up prices, which change."""
        filters = self._filters_from_querystring()
        zones = filters.get("availability-zone") or [self._get_param("AvailabilityZone")]
        types = self._get_param("InstanceTypes", []) or filters.get("instance-type", [])
        now = datetime.now(UTC)
        found = price_history(
            types,
            [one for one in zones if one] or [f"{self.region}{letter}" for letter in "abc"],
            _moment(self._get_param("StartTime"), now),
            _moment(self._get_param("EndTime"), now),
        )
        return ActionResult({"SpotPriceHistory": list(found)})

    def _close(self) -> None:
        """Close the requests whose machines have ended."""
        requests: dict[str, Any] = self.ec2_backend.spot_instance_requests
        for request in requests.values():
            machine = self.fleet.find(request.instance_id)
            if machine is not None and machine.state == "terminated":
                request.close(_ENDED_BY[machine.instance.state_reason.code])


def _moment(told: Any, otherwise: datetime) -> datetime:
    """A time as moto reads it from a request."""
    if not isinstance(told, datetime):
        return otherwise
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)
