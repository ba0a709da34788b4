"""The limits of a template's parameters, and which of them a value breaks.

The limits say what is safe in AWS. On this machine lists do not lag, and nobody listens on
loopback, so a value may be given there that AWS would refuse; every other limit stays.
"""

import re
from collections.abc import Mapping
from typing import Any

from local.cloudformation.templates import Template


def broken(template: Template, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The parameters and their limits that the values break.

    >>> broken({"Parameters": {"Seconds": {"Type": "Number", "MinValue": 60}}}, {"Seconds": "30"})
    [('Seconds', 'MinValue')]
    """
    declared = template.get("Parameters") or {}
    return [
        (name, limit)
        for name, value in values.items()
        for limit in ("AllowedPattern", "MinValue")
        if limit in declared.get(name, {}) and _breaks(declared[name], limit, value)
    ]


def without(template: Template, limits: list[tuple[str, str]]) -> Template:
    """The template with some limits of its parameters gone."""
    parameters = {
        name: {key: one for key, one in declared.items() if (name, key) not in limits}
        for name, declared in (template.get("Parameters") or {}).items()
    }
    return template | {"Parameters": parameters} if limits else template


def _breaks(declared: Mapping[str, Any], limit: str, value: str) -> bool:
    kind = declared.get("Type", "String")
    is_list = kind in ("CommaDelimitedList", "List<Number>")
    members = [one.strip() for one in value.split(",")] if is_list else [value]
    if limit == "MinValue":
        return any(float(one) < float(declared[limit]) for one in members if _is_number(one))
    return any(re.fullmatch(declared[limit], one) is None for one in members)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
