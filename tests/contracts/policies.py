"""The policies of all four templates as the contract tests read them: who may do what, to what."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.contracts.wiring import PROJECT, listed

FILES = (
    "template.yaml",
    "container/compute.yaml",
    "container/project.yaml",
    "container/remote.yaml",
)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, and the resource of the template that it is part of."""

    file: str
    owner: str
    kind: str
    declared: dict[str, Any]

    @property
    def actions(self) -> list[str]:
        """Its actions; each may be a pattern."""
        return listed(self.declared.get("Action", []))

    @property
    def resources(self) -> list[str]:
        """Its resources as text: names stand for references."""
        return [_text(one) for one in listed(self.declared.get("Resource", []))]

    @property
    def principals(self) -> list[tuple[str, str]]:
        """Who it is about: pairs of a kind and a name."""
        told = self.declared.get("Principal", {})
        if not isinstance(told, dict):
            return [("", str(told))]
        return [(kind, _text(one)) for kind, names in told.items() for one in listed(names)]


def covers(pattern: str, action: str) -> bool:
    """Whether a pattern of actions covers an action: IAM looks at no case."""
    return fnmatchcase(action.lower(), pattern.lower())


def covers_some(pattern: str, beginnings: tuple[str, ...]) -> bool:
    """Whether a pattern covers an action, known to us or not, that begins as one of these."""
    whole = pattern.lower()
    fixed = re.split(r"[*?]", whole, maxsplit=1)[0]
    return any(
        fixed.startswith(begins.lower()) or (fixed != whole and begins.lower().startswith(fixed))
        for begins in beginnings
    )


def statements() -> Iterator[Statement]:
    """Every statement of every policy, key and trust of the templates."""
    for file in FILES:
        template = yaml_parse((PROJECT / file).read_text(encoding="utf-8"))
        for owner, resource in template["Resources"].items():
            for declared in _within(resource.get("Properties", {})):
                yield Statement(file, owner, resource["Type"], declared)


def managed_policies() -> Iterator[tuple[str, str]]:
    """The policies of AWS's own that roles have: pairs of a role and an ARN."""
    for file in FILES:
        template = yaml_parse((PROJECT / file).read_text(encoding="utf-8"))
        for owner, resource in template["Resources"].items():
            attached = resource.get("Properties", {}).get("ManagedPolicyArns", [])
            names = [_text(one) for one in listed(attached)]
            yield from ((owner, name) for name in names if name.startswith("arn:"))


def who_may(action: str) -> dict[str, list[Statement]]:
    """By the role or policy, what allows an action."""
    found: dict[str, list[Statement]] = {}
    for one in ALLOWED:
        if any(covers(pattern, action) for pattern in one.actions):
            found.setdefault(one.owner, []).append(one)
    return found


def resources_of(*actions: str) -> dict[str, set[str]]:
    """By the role or policy, to what it may do one of these actions."""
    found: dict[str, set[str]] = {}
    for action in actions:
        for owner, ones in who_may(action).items():
            found.setdefault(owner, set()).update(name for one in ones for name in one.resources)
    return found


def _within(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        else:
            for inner in value.values():
                yield from _within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(inner)


def _text(value: Any) -> str:
    """A value of a template as one text."""
    if not isinstance(value, dict):
        return str(value)
    ((function, given),) = value.items()
    if function == "Fn::Sub":
        return str(given if isinstance(given, str) else given[0])
    return _flat(given) if function != "Fn::If" else _flat(given[1:])


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_flat(one) for one in value)
    return _text(value)


STATEMENTS = list(statements())
ALLOWED = [one for one in STATEMENTS if one.declared["Effect"] == "Allow"]
