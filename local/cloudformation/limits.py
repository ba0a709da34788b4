"""The limits of a template's parameters, and which of them a value breaks.

The limits say what is safe in AWS. On this machine lists do not lag, somebody listens on loopback,
and folders are where a user has them. So a few values may be given here that AWS would refuse;
every other limit stays, and the emulator refuses as CloudFormation does.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from local.cloudformation.templates import Template

_GIVEN_UP: Final = frozenset(
    {
        ("BitbucketApiUrl", "AllowedPattern"),
        ("BitbucketGitUrl", "AllowedPattern"),
        ("CacheDirectory", "AllowedPattern"),
        ("LeaseSeconds", "MinValue"),
        ("ProgramDirectory", "AllowedPattern"),
        ("ReconcileRate", "AllowedPattern"),
        ("UnmovedSeconds", "MinValue"),
        ("UnseenSeconds", "MinValue"),
    }
)
_LISTS: Final = frozenset({"CommaDelimitedList", "List<Number>"})
_NUMBERS: Final = frozenset({"Number", "List<Number>"})


def broken(template: Template, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The parameters and their limits that the values break, and may break on this machine.

    >>> limited = {"Type": "Number", "MinValue": 60, "MaxValue": 90}
    >>> template = {"Parameters": {"UnmovedSeconds": limited, "Seconds": limited}}
    >>> broken(template, {"UnmovedSeconds": "30", "Seconds": "30"})
    [('UnmovedSeconds', 'MinValue')]
    """
    declared = template.get("Parameters") or {}
    return [
        (name, limit)
        for name, value in values.items()
        for limit in refused_by(declared.get(name, {}), value)
        if (name, limit) in _GIVEN_UP
    ]


def without(template: Template, limits: list[tuple[str, str]]) -> Template:
    """The template with some limits of its parameters gone."""
    parameters = {
        name: {key: one for key, one in declared.items() if (name, key) not in limits}
        for name, declared in (template.get("Parameters") or {}).items()
    }
    return template | {"Parameters": parameters} if limits else template


def refused_by(declared: Mapping[str, Any], value: str) -> list[str]:
    """The limits of one parameter that a value breaks; the type alone if it is not of that.

    Which limit is of which type: CloudFormation user guide, "Parameters section".

    >>> refused_by({"Type": "Number", "MinValue": 1, "AllowedValues": [2, 3]}, "0")
    ['AllowedValues', 'MinValue']
    >>> refused_by({"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+"}, "a, b")
    []
    """
    kind = declared.get("Type", "String")
    members = [one.strip() for one in value.split(",")] if kind in _LISTS else [value]
    checks: dict[str, Callable[[Any], bool]] = {
        "AllowedValues": lambda limit: value in map(str, limit),
    }
    if kind in _NUMBERS:
        if not all(map(_is_number, members)):
            return ["Type"]
        numbers = [float(one) for one in members]
        checks["MinValue"] = lambda limit: min(numbers) >= float(limit)
        checks["MaxValue"] = lambda limit: max(numbers) <= float(limit)
    else:
        checks["AllowedPattern"] = lambda limit: all(re.fullmatch(limit, one) for one in members)
    if kind == "String":
        checks["MinLength"] = lambda limit: len(value) >= int(limit)
        checks["MaxLength"] = lambda limit: len(value) <= int(limit)
    return [
        name for name, holds in checks.items() if name in declared and not holds(declared[name])
    ]


def _is_number(text: str) -> bool:
    # Not what float() takes beside: "nan" is within every limit, and "1_000" is Python's alone.
    return re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", text) is not None
