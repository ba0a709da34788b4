"""A machine as EC2 describes it, and how one is found: by id, by name, by what its tags say."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from botocore.exceptions import ClientError

from cli.account import Account
from cli.asking import AccountError, asking
from cli.remote.options import Afterwards, Market
from cli.remote.waiting import Waiting
from cli.shown import printable
from shared import machine_tags
from shared.aws import calling

State = Literal["pending", "running", "shutting-down", "terminated", "stopping", "stopped"]
Origin = Literal["created", "given"]
_ID = re.compile(r"i-[0-9a-f]{8,17}")
# Of those that a name may mean; EC2 shows a machine for an hour or so after its end.
_THERE = ("pending", "running", "stopping", "stopped")


@dataclass(frozen=True)
class MachineFacts:
    """An instance at one moment; what is None, EC2 or the tags do not say."""

    instance_id: str
    state: State
    instance_type: str
    market: Market
    # When it was started last; EC2 says no more.
    launched_at: datetime
    image_id: str
    # An availability zone such as eu-west-1a.
    zone: str
    name: str | None = None
    # An address or a DNS name.
    public_address: str | None = None
    private_address: str | None = None
    # All of them, also those that have a field of their own here.
    tags: Mapping[str, str] = field(default_factory=dict)
    # Why it is in its state, in EC2's words, such as `Server.SpotInstanceTermination: …`.
    state_reason: str | None = None
    spot_request_id: str | None = None
    root_device: Literal["ebs", "instance-store"] = "ebs"
    windows: bool = False
    # What follows is what the tags say.
    ends_at: datetime | None = None
    afterwards: Afterwards | None = None
    origin: Origin | None = None
    asked_by: str | None = None
    run_id: str | None = None

    @property
    def over(self) -> bool:
        """Whether it is gone or going for good."""
        return self.state in ("shutting-down", "terminated")

    @property
    def told(self) -> str:
        """How people call it.

        >>> from datetime import UTC
        >>> now = datetime(2026, 11, 20, tzinfo=UTC)
        >>> MachineFacts("i-0a", "running", "t3.micro", "spot", now, "ami-1", "", name="gpu").told
        'i-0a (gpu)'
        """
        return f"{self.instance_id} ({printable(self.name)})" if self.name else self.instance_id


@dataclass(frozen=True)
class Ec2:
    """EC2 of one account: where its machines are found."""

    account: Account
    client: Any = field(repr=False)
    waiting: Waiting

    @classmethod
    def of(cls, account: Account) -> "Ec2":
        """EC2 in the account's region."""
        return cls(account, account.client("ec2"), Waiting.on(account))

    @property
    def stack_tag(self) -> str:
        """What the tag of a stack's machines says, such as acme-development."""
        return f"{self.account.names.organization}-{self.account.names.environment}"

    def describe(self, instance_id: str) -> MachineFacts | None:
        """A machine as it is now; None: EC2 does not know it, or not yet.

        Raises:
            Unavailable: EC2 failed, for now.
            AccountError: it refuses.

        """
        doing = f"describing the machine {instance_id}"
        try:
            with calling(doing):
                pages = self.client.describe_instances(InstanceIds=[instance_id])
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidInstanceID.NotFound":
                return None
            with asking(doing):
                raise
        return next(_facts([pages]), None)

    def search(self, tags: Mapping[str, str], states: Sequence[str] = ()) -> list[MachineFacts]:
        """The machines with these tags, in one of these states if any is named.

        Raises:
            Unavailable: EC2 failed, for now.
            AccountError: it refuses.

        """
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        filters += [{"Name": "instance-state-name", "Values": list(states)}] if states else []
        doing = "looking for machines"
        with asking(doing), calling(doing):
            pages = self.client.get_paginator("describe_instances").paginate(Filters=filters)
            return list(_facts(pages))

    def find(self, reference: str) -> MachineFacts:
        """The machine with that id, or with that name.

        Raises:
            AccountError: there is none, or there are several of that name.
            Unavailable: EC2 failed, for now.

        """
        if _ID.fullmatch(reference):
            found = self.describe(reference)
            machines = [] if found is None else [found]
        else:
            # EC2 reads these two as a pattern, and \ as what takes a meaning from them.
            name = re.sub(r"([\\*?])", r"\\\1", reference)
            machines = self.search({machine_tags.NAME: name}, _THERE)
        if not machines:
            message = f"there is no machine {reference} in {self.account.region}"
            raise AccountError(message)
        if len(machines) > 1:
            ids = ", ".join(machine.instance_id for machine in machines)
            message = f"several machines are called {reference}: which one? {ids}"
            raise AccountError(message)
        return machines[0]


def _facts(pages: Any) -> Iterator[MachineFacts]:
    for page in pages:
        for reservation in page["Reservations"]:
            yield from map(read, reservation["Instances"])


def read(instance: Mapping[str, Any]) -> MachineFacts:
    """One of DescribeInstances' instances."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in instance.get("Tags", [])}
    reason = instance.get("StateReason", {})
    said = reason.get("Message") or instance.get("StateTransitionReason")
    afterwards, origin = tags.get(machine_tags.AFTERWARDS), tags.get(machine_tags.MACHINE)
    return MachineFacts(
        instance_id=instance["InstanceId"],
        state=instance["State"]["Name"],
        instance_type=instance.get("InstanceType", ""),
        market="spot" if instance.get("InstanceLifecycle") == "spot" else "on-demand",
        launched_at=instance["LaunchTime"],
        image_id=instance.get("ImageId", ""),
        zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
        name=tags.get(machine_tags.NAME) or None,
        public_address=instance.get("PublicDnsName") or instance.get("PublicIpAddress") or None,
        private_address=instance.get("PrivateIpAddress") or None,
        tags=tags,
        state_reason=said or None,
        spot_request_id=instance.get("SpotInstanceRequestId") or None,
        root_device="instance-store"
        if instance.get("RootDeviceType") == "instance-store"
        else "ebs",
        windows=instance.get("Platform", "").lower() == "windows",
        ends_at=machine_tags.read_ends(tags.get(machine_tags.ENDS, "")),
        # Anybody may edit a tag.
        afterwards=cast("Afterwards", afterwards)
        if afterwards in ("terminate", "stop", "keep")
        else None,
        origin=cast("Origin", origin)
        if origin in (machine_tags.CREATED, machine_tags.GIVEN)
        else None,
        asked_by=tags.get(machine_tags.BY) or None,
        run_id=tags.get(machine_tags.RUN) or None,
    )
