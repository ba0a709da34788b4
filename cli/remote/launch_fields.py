"""The fields that a launch specification may have, and what is wrong with any other."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

# What a spot request's specification has and RunInstances takes as it is.
PASSED_ON: Final = (
    "BlockDeviceMappings",
    "EbsOptimized",
    "IamInstanceProfile",
    "ImageId",
    "InstanceType",
    "KeyName",
    "Monitoring",
    "NetworkInterfaces",
    "Placement",
    "SecurityGroupIds",
    "SubnetId",
)
_KNOWN: Final = (*PASSED_ON, "SecurityGroups", "UserData")
# EC2's service model calls the first deprecated; the others are of paravirtual images, which no
# instance type of today runs ("Linux AMI virtualization types").
_DEPRECATED: Final = {
    "AddressingType": "every machine is in a VPC",
    "KernelId": "an image brings its own kernel",
    "RamdiskId": "an image brings its own RAM disk",
}
# Where a whole request has its specification; what else it holds is what became of it.
WHOLE: Final = "LaunchSpecification"


def mistakes(given: Mapping[str, Any], shape: Any) -> Iterator[str]:
    """What is wrong with a specification's fields; `shape` is botocore's of RunInstances' input."""
    for name in given:
        if name in _DEPRECATED:
            yield f"{name} is deprecated, {_DEPRECATED[name]}: leave it out"
        elif name not in _KNOWN:
            yield _unknown(name, name, (*_KNOWN, WHOLE))
    for name in PASSED_ON:
        if name in given:
            yield from _wrong(given[name], shape.members[name], name)
    for name in ("ImageId", "InstanceType"):
        if name not in given:
            yield f"{name} is missing"
    placement = given.get("Placement")
    if isinstance(placement, dict):
        yield from _several_zones(placement)
    if "SecurityGroupIds" in given and "NetworkInterfaces" in given:
        yield (
            "SecurityGroupIds beside NetworkInterfaces, which EC2 refuses: write them as Groups of "
            "the network interface"
        )


def _wrong(value: object, shape: Any, place: str) -> Iterator[str]:
    """What is wrong with a value, by EC2's own model; botocore itself names no nearest field."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{place} is no JSON object"
            return
        for name, part in value.items():
            if name in shape.members:
                yield from _wrong(part, shape.members[name], f"{place}.{name}")
            else:
                yield _unknown(f"{place}.{name}", name, (*shape.members,))
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for number, part in enumerate(value):
            yield from _wrong(part, shape.member, f"{place}[{number}]")
    elif kind in ("boolean", "integer") and (
        not isinstance(value, int) or isinstance(value, bool) is not (kind == "boolean")
    ):
        yield f"{place} is {json.dumps(value)}, and not a{'n' * (kind == 'integer')} {kind}"
    elif kind == "string" and not isinstance(value, str):
        yield f"{place} is {json.dumps(value)}, and not a text"


def _unknown(place: str, name: str, known: Sequence[str]) -> str:
    names = {one.lower(): one for one in known}
    nearest = difflib.get_close_matches(name.lower(), names, n=1)
    if nearest:
        return f"{place} is no field that is known here: {names[nearest[0]]}?"
    return f"{place} is no field that is known here: there are {', '.join(sorted(known))}"


def _several_zones(placement: Mapping[str, Any]) -> Iterator[str]:
    zones = str(placement.get("AvailabilityZone", ""))
    if "," in zones:
        yield f"Placement.AvailabilityZone is {zones}: a machine is made in one: keep one of them"
