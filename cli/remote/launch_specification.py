"""A launch specification, as `aws ec2 describe-spot-instance-requests` prints it.

What EC2 prints of a spot request is not quite what RunInstances takes. This module knows the
difference, and says of every field that cannot be passed on why not and what to write instead.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.remote.launch_fields import PASSED_ON, WHOLE, mistakes
from shared.errors import Rejected


@dataclass(frozen=True)
class LaunchSpecification:
    """What RunInstances is to be called with, as far as the file says it."""

    # Arguments of RunInstances by their names.
    arguments: Mapping[str, Any]
    # Decoded; None: the file has none.
    user_data: bytes | None = None
    # US dollars an hour, as a decimal number; None: up to the price on demand.
    max_price: str | None = None
    # What is not passed on though it does no harm, each with its reason.
    notes: tuple[str, ...] = ()


def read(path: Path, shape: Any) -> LaunchSpecification:
    """The specification in a file; `shape` is botocore's of RunInstances' input.

    Raises:
        Rejected: it cannot be used as it is; the text names every mistake in it.

    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise Rejected(message) from error
    except ValueError as error:
        message = f"{path} is not JSON: {error}"
        raise Rejected(message) from error
    try:
        return understand(found, shape)
    except Rejected as error:
        message = f"{path}: {error}"
        raise Rejected(message) from error


def understand(found: object, shape: Any) -> LaunchSpecification:
    """The same of what JSON held."""
    request = _request(found)
    fields = request.get(WHOLE) if WHOLE in request else request
    if not isinstance(fields, dict):
        message = "LaunchSpecification is no JSON object"
        raise Rejected(message)
    given = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    found_wrong = [*mistakes(given, shape)]
    if found_wrong:
        raise Rejected("; ".join(found_wrong))
    arguments = {name: given[name] for name in PASSED_ON if name in given}
    _join_network(arguments)
    _name_one_profile(arguments)
    return LaunchSpecification(
        arguments,
        user_data=_decoded(given.get("UserData")),
        max_price=_price(request),
        notes=(*_notes(request, given),),
    )


def _request(found: object) -> Mapping[str, Any]:
    """The one request of a whole output, or what stands for itself."""
    if isinstance(found, dict) and "SpotInstanceRequests" in found:
        found = found["SpotInstanceRequests"]
        if not isinstance(found, list) or len(found) != 1:
            count = len(found) if isinstance(found, list) else "no list of"
            message = (
                f"SpotInstanceRequests has {count} requests: keep the one that is meant, as with "
                "--spot-instance-request-ids"
            )
            raise Rejected(message)
        found = found[0]
    if not isinstance(found, dict):
        message = (
            "write what aws ec2 describe-spot-instance-requests prints, or the LaunchSpecification "
            "in it alone"
        )
        raise Rejected(message)
    return found


def _price(request: Mapping[str, Any]) -> str | None:
    price = request.get("SpotPrice") if WHOLE in request else None
    return None if price is None else str(price)


def _join_network(arguments: dict[str, Any]) -> None:
    """EC2 prints the subnet beside the network interfaces, and takes it in them alone."""
    interfaces = arguments.get("NetworkInterfaces")
    if not interfaces or "SubnetId" not in arguments:
        return
    subnet = arguments.pop("SubnetId")
    first = interfaces[0]
    if "NetworkInterfaceId" not in first:
        arguments["NetworkInterfaces"] = [{"SubnetId": subnet, **first}, *interfaces[1:]]


def _name_one_profile(arguments: dict[str, Any]) -> None:
    """EC2 prints the profile's name beside its ARN, and takes one of them."""
    profile = arguments.get("IamInstanceProfile", {})
    if profile.get("Arn") and profile.get("Name"):
        arguments["IamInstanceProfile"] = {"Arn": profile["Arn"]}


def _decoded(user_data: object) -> bytes | None:
    if user_data is None:
        return None
    try:
        return base64.b64decode(str(user_data), validate=True)
    except (binascii.Error, ValueError) as error:
        message = "UserData is not base64, as EC2 prints it: write the output of base64 -w0 FILE"
        raise Rejected(message) from error


def _notes(request: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    groups = given.get("SecurityGroups", [])
    if groups:
        ids = [one["GroupId"] for one in groups if isinstance(one, dict) and "GroupId" in one]
        instead = (
            f'write "SecurityGroupIds": {json.dumps(ids)}'
            if ids
            else "write their ids as SecurityGroupIds"
        )
        has = (
            "that its network interfaces name"
            if "NetworkInterfaces" in given
            else (
                "of SecurityGroupIds"
                if "SecurityGroupIds" in given
                else "that is its VPC's default"
            )
        )
        yield (
            "SecurityGroups is how EC2 prints the groups of a request, and not how it takes them: "
            f"it is not passed on. The machine gets the group {has}; for these, {instead}"
        )
    if request.get("Type") == "persistent":
        yield (
            "the request was a persistent one, which would start another machine when this one "
            "ends itself: this one is one-time"
        )
    if request.get("Tags"):
        yield "the request's Tags are not taken over: --tags"
    for mapping in given.get("BlockDeviceMappings", []):
        if mapping.get("Ebs", {}).get("DeleteOnTermination") is False:
            yield (
                f"the volume {mapping.get('DeviceName', '')} outlives its machine, and is paid "
                "for: its DeleteOnTermination is false"
            )
