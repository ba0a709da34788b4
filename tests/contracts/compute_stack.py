"""container/compute.yaml as CloudFormation would read it, and what a machine boots by it.

A resource has no value here: a reference to it reads `@Name`, to one of its attributes
`@Name.Attribute`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_string
from ipaddress import ip_network
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.contracts.wiring import PROJECT

PATH = PROJECT / "container/compute.yaml"
TEXT = PATH.read_text(encoding="utf-8")
COMPUTE: dict[str, Any] = yaml_parse(TEXT)
PSEUDO = {
    "AWS::Region": "eu-west-1",
    "AWS::Partition": "aws",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/a-stack/1a2b3c4d-5e6f",
}
ZONES = [f"eu-west-1{letter}" for letter in "abcdef"]
_NOTHING = object()
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
_WRITTEN = re.compile(r"^cat >>? (\S+) <<'END'\n(.*?)^END$", re.MULTILINE | re.DOTALL)


def subnet_addresses(block: str, count: int, host_bits: int) -> list[str]:
    """What Fn::Cidr gives: the first blocks within a block, each of so many host bits."""
    blocks = ip_network(block).subnets(new_prefix=32 - host_bits)
    return [str(one) for one, _ in zip(blocks, range(count), strict=False)]


@dataclass(frozen=True)
class Deployment:
    """The template with its parameters: those given, and the defaults of the others."""

    given: Mapping[str, str]

    def parameter(self, name: str) -> Any:
        """A text, or the texts of a list."""
        declared = COMPUTE["Parameters"][name]
        text = str(self.given.get(name, declared.get("Default")))
        return text.split(",") if declared["Type"] == "CommaDelimitedList" else text

    def holds(self, condition: Any) -> bool:
        """Whether a condition, or what a rule asserts, is true."""
        if isinstance(condition, str):
            return self.holds(COMPUTE["Conditions"][condition])
        (name, argument) = next(iter(condition.items()))
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Not":
            return not self.holds(argument[0])
        if name in {"Fn::And", "Fn::Or"}:
            found = [self.holds(one) for one in argument]
            return all(found) if name == "Fn::And" else any(found)
        left, right = (self.value(one) for one in argument)
        if name == "Fn::EachMemberEquals":
            return all(one == right for one in left)
        assert name == "Fn::Equals", name
        return str(left) == str(right)

    @property
    def refusals(self) -> list[str]:
        """What CloudFormation would say against the parameters."""
        return [
            assertion["AssertDescription"]
            for rule in COMPUTE["Rules"].values()
            if self.holds(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.holds(assertion["Assert"])
        ]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The properties of what is made, by logical id."""
        return {
            name: self.value(declared.get("Properties", {}))
            for name, declared in COMPUTE["Resources"].items()
            if "Condition" not in declared or self.holds(declared["Condition"])
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of what is made of one type."""
        types = COMPUTE["Resources"]
        return {name: one for name, one in self.resources.items() if types[name]["Type"] == kind}

    @property
    def outputs(self) -> dict[str, Any]:
        """What the stack gives out."""
        return {name: self.value(one["Value"]) for name, one in COMPUTE["Outputs"].items()}

    @property
    def user_data(self) -> str:
        """What a machine is given to boot by."""
        template = self.resources["MachineTemplate"]["LaunchTemplateData"]
        return str(template["UserData"])

    @property
    def boot_script(self) -> str:
        """The shell script in the user data."""
        archive = message_from_string(self.user_data)
        (script,) = (part for part in archive.walk() if not part.is_multipart())
        return str(script.get_payload())

    @property
    def boot_files(self) -> dict[str, str]:
        """What the script writes, by path."""
        return dict(_WRITTEN.findall(self.boot_script))

    def value(self, part: Any) -> Any:
        """A part of the template, resolved."""
        if isinstance(part, list):
            resolved = [self.value(one) for one in part]
            return [one for one in resolved if one is not _NOTHING]
        if not isinstance(part, Mapping):
            return part
        if len(part) == 1:
            (name, argument) = next(iter(part.items()))
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
        resolved_parts = {name: self.value(one) for name, one in part.items()}
        return {name: one for name, one in resolved_parts.items() if one is not _NOTHING}


def _ref(deployment: Deployment, name: str) -> Any:
    if name == "AWS::NoValue":
        return _NOTHING
    if name in COMPUTE["Parameters"]:
        return deployment.parameter(name)
    return PSEUDO.get(name, f"@{name}")


def _if(deployment: Deployment, argument: list[Any]) -> Any:
    condition, then, otherwise = argument
    return deployment.value(then if deployment.holds(condition) else otherwise)


def _sub(deployment: Deployment, argument: str | list[Any]) -> str:
    text, names = argument if isinstance(argument, list) else (argument, {})

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        return str(deployment.value(names[name]) if name in names else _ref(deployment, name))

    return _IN_TEXT.sub(fill, text)


def _select(deployment: Deployment, argument: list[Any]) -> Any:
    index, choices = deployment.value(argument)
    return choices[int(index)]


def _split(deployment: Deployment, argument: list[Any]) -> list[str]:
    separator, text = deployment.value(argument)
    return str(text).split(separator)


def _cidr(deployment: Deployment, argument: list[Any]) -> list[str]:
    block, count, host_bits = deployment.value(argument)
    return subnet_addresses(block, count, host_bits)


_FUNCTIONS: dict[str, Callable[[Deployment, Any], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": lambda _deployment, argument: f"@{'.'.join(argument)}",
    "Fn::If": _if,
    "Fn::Sub": _sub,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": lambda _deployment, _argument: ZONES,
    # As text: who boots it decodes it.
    "Fn::Base64": lambda deployment, argument: deployment.value(argument),
}
