"""Types that the emulator knows through their API, though not through its CloudFormation."""

import json
from dataclasses import dataclass
from typing import Any, Final

from local.cloudformation.kinds import Kind, Properties, Wanted, differs, made_up_name

_SECONDS: Final = 60


def aws_kinds(events: Any, ec2: Any) -> dict[str, Kind]:
    """The kinds by type, through boto3 clients."""
    return {
        "AWS::EC2::EIP": Addresses(ec2),
        "AWS::EC2::NatGateway": NatGateways(ec2),
        "AWS::Events::Archive": Archives(events),
    }


@dataclass(frozen=True)
class Archives:
    """AWS::Events::Archive, through EventBridge's client."""

    events: Any
    seconds: int = _SECONDS

    def create(self, wanted: Wanted) -> str:
        """Create the archive."""
        asked = wanted.properties
        # At most 48 characters: botocore, ArchiveName
        name = str(asked.get("ArchiveName") or made_up_name(wanted)[-48:])
        self.events.create_archive(
            ArchiveName=name, EventSourceArn=asked["SourceArn"], **_said(asked)
        )
        return name

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Change the archive, or replace it if its name or its bus changes."""
        if differs(before, wanted.properties, "ArchiveName", "SourceArn"):
            return self.create(wanted)
        self.events.update_archive(ArchiveName=physical_id, **_said(wanted.properties))
        return physical_id

    def delete(self, physical_id: str) -> None:
        """Delete the archive."""
        self.events.delete_archive(ArchiveName=physical_id)

    def attributes(self, physical_id: str) -> dict[str, str]:
        """Its name and its ARN."""
        arn = self.events.describe_archive(ArchiveName=physical_id)["ArchiveArn"]
        return {"ArchiveName": physical_id, "Arn": arn}


def _said(asked: Properties) -> dict[str, Any]:
    said: dict[str, Any] = {"Description": asked.get("Description", "")}
    if "RetentionDays" in asked:
        said["RetentionDays"] = int(asked["RetentionDays"])
    if "EventPattern" in asked:
        said["EventPattern"] = json.dumps(asked["EventPattern"])
    return said


@dataclass(frozen=True)
class Addresses:
    """AWS::EC2::EIP, known by its public address, through EC2's client."""

    ec2: Any
    seconds: int = _SECONDS

    def create(self, wanted: Wanted) -> str:
        """Allocate an address."""
        tags = _tags("elastic-ip", wanted.properties)
        made: str = self.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["PublicIp"]
        return made

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Keep the address: nothing but its tags can change."""
        del before, wanted
        return physical_id

    def delete(self, physical_id: str) -> None:
        """Release the address."""
        self.ec2.release_address(AllocationId=self._allocation(physical_id))

    def attributes(self, physical_id: str) -> dict[str, str]:
        """The allocation's id and the address."""
        return {"AllocationId": self._allocation(physical_id), "PublicIp": physical_id}

    def _allocation(self, public_ip: str) -> str:
        found = self.ec2.describe_addresses(PublicIps=[public_ip])["Addresses"]
        allocation: str = next(one for one in found if one["PublicIp"] == public_ip)["AllocationId"]
        return allocation


@dataclass(frozen=True)
class NatGateways:
    """AWS::EC2::NatGateway, through EC2's client."""

    ec2: Any
    seconds: int = _SECONDS

    def create(self, wanted: Wanted) -> str:
        """Create the gateway."""
        asked = wanted.properties
        made = self.ec2.create_nat_gateway(
            SubnetId=asked["SubnetId"],
            AllocationId=asked["AllocationId"],
            TagSpecifications=_tags("natgateway", asked),
        )
        found: str = made["NatGateway"]["NatGatewayId"]
        return found

    def update(self, physical_id: str, before: Properties, wanted: Wanted) -> str:
        """Replace the gateway if it moves."""
        moves = differs(before, wanted.properties, "SubnetId", "AllocationId")
        return self.create(wanted) if moves else physical_id

    def delete(self, physical_id: str) -> None:
        """Delete the gateway."""
        self.ec2.delete_nat_gateway(NatGatewayId=physical_id)

    def attributes(self, physical_id: str) -> dict[str, str]:
        """Its id."""
        return {"NatGatewayId": physical_id}


def _tags(kind: str, asked: Properties) -> list[dict[str, Any]]:
    tags = asked.get("Tags")
    return [{"ResourceType": kind, "Tags": tags}] if tags else []
