"""A small true model of EC2's instances, as far as machines of one's own need it."""

from datetime import datetime
from typing import Any

from shared import machine_tags
from shared.errors import Unavailable
from tests.fakes import refusal
from tests.samples import NAMES, NOW

# What EC2 notes of an instance that somebody ended, and of one that ended itself.
BY_A_CALL = ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated")
BY_ITSELF = ("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance")
TAKEN_AWAY = ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: no capacity")


class Ec2:
    """EC2's client: instances that end at once, one per page, and refusals as EC2 has them.

    `unstoppable` are instances that EC2 can only terminate, `protected` those that it does not.
    """

    def __init__(self) -> None:
        self.instances: dict[str, dict[str, Any]] = {}
        self.unstoppable: set[str] = set()
        self.protected: set[str] = set()
        self.described: list[int] = []
        self.away = False

    def launch(
        self, instance_id: str, ends_at: datetime | None = None, **tags: str
    ) -> dict[str, Any]:
        """Let there be a running machine of the stack's; `tags` by their names in machine_tags."""
        ours = {machine_tags.STACK: NAMES.stack, machine_tags.MACHINE: machine_tags.CREATED}
        if ends_at is not None:
            ours[machine_tags.ENDS] = machine_tags.ends(ends_at)
        ours |= {getattr(machine_tags, name): value for name, value in tags.items()}
        self.instances[instance_id] = {
            "InstanceId": instance_id,
            "InstanceType": "g5.xlarge",
            "LaunchTime": NOW,
            "State": {"Code": 16, "Name": "running"},
            "Tags": [{"Key": key, "Value": value} for key, value in ours.items()],
        }
        return self.instances[instance_id]

    def tag(self, instance_id: str, **tags: str) -> None:
        """Add tags to a machine, or change them; by their names in machine_tags."""
        ours = {getattr(machine_tags, name): value for name, value in tags.items()}
        kept = [one for one in self.instances[instance_id]["Tags"] if one["Key"] not in ours]
        new = [{"Key": key, "Value": value} for key, value in ours.items()]
        self.instances[instance_id]["Tags"] = kept + new

    def becomes(self, instance_id: str, state: str, why: tuple[str, str] = BY_A_CALL) -> None:
        """Bring an instance into a state, for a reason."""
        reason = {"Code": why[0], "Message": why[1]}
        self.instances[instance_id].update(State={"Name": state}, StateReason=reason)

    def state(self, instance_id: str) -> str:
        """The state that an instance is in."""
        name: str = self.instances[instance_id]["State"]["Name"]
        return name

    def describe_instances(
        self,
        *,
        Filters: list[dict[str, Any]],  # noqa: N803 - botocore's name
        NextToken: str = "0",  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """The instances that fit every filter."""
        if self.away:
            message = "describing machines: away"
            raise Unavailable(message)
        if any(len(one["Values"]) > 200 for one in Filters):
            raise refusal("FilterLimitExceeded", 400, "DescribeInstances")
        if NextToken == "0":
            self.described += [
                len(one["Values"]) for one in Filters if one["Name"] == "instance-id"
            ]
        fitting = [
            instance
            for instance in self.instances.values()
            if all(_fits(instance, one["Name"], one["Values"]) for one in Filters)
        ]
        at = int(NextToken)
        more = {"NextToken": str(at + 1)} if at + 1 < len(fitting) else {}
        return {"Reservations": [{"Instances": fitting[at : at + 1]}], **more}

    def stop_instances(self, *, InstanceIds: list[str]) -> dict[str, Any]:  # noqa: N803 - its name
        """Stop an instance that runs."""
        (instance_id,) = self._known(InstanceIds)
        if instance_id in self.unstoppable:
            raise refusal("UnsupportedOperation", 400, "StopInstances")
        if self.state(instance_id) in ("pending", "shutting-down", "terminated"):
            raise refusal("IncorrectInstanceState", 400, "StopInstances")
        if self.state(instance_id) == "running":
            self.becomes(instance_id, "stopped")
        return {}

    def terminate_instances(
        self,
        *,
        InstanceIds: list[str],  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Terminate an instance, whatever it is doing; nothing happens to one that is."""
        (instance_id,) = self._known(InstanceIds)
        if instance_id in self.protected:
            raise refusal("OperationNotPermitted", 400, "TerminateInstances")
        if self.state(instance_id) != "terminated":
            self.becomes(instance_id, "terminated")
        return {}

    def _known(self, instance_ids: list[str]) -> list[str]:
        if any(one not in self.instances for one in instance_ids):
            raise refusal("InvalidInstanceID.NotFound", 400, "DescribeInstances")
        return instance_ids


def _fits(instance: dict[str, Any], name: str, values: list[str]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    match name.partition(":"):
        case ("instance-id", _, _):
            return instance["InstanceId"] in values
        case ("instance-state-name", _, _):
            return instance["State"]["Name"] in values
        case ("tag-key", _, _):
            return any(key in tags for key in values)
        case ("tag", _, key):
            return tags.get(key) in values
    raise refusal("InvalidParameterValue", 400, "DescribeInstances")
