"""The templates as far as they cost something: what a deployment with these parameters makes.

Only what decides over that is evaluated: parameters, conditions and Fn::If. Other functions stay as
they are, since no cost depends on a name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
# The installation, and what one project adds to it.
INSTALLATION = ("template.yaml", "container/compute.yaml", "container/remote.yaml")
PROJECT = ("container/project.yaml",)
FUNCTION = "AWS::Serverless::Function"
_NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Resource:
    """A resource that is made; its properties hold values where they named parameters."""

    name: str
    kind: str
    properties: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Template:
    """One template: as it is written, and with what its parameters default to."""

    path: str
    written: Mapping[str, Any]

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that have a default."""
        declared = self.written.get("Parameters", {})
        return {name: one["Default"] for name, one in declared.items() if "Default" in one}

    def kinds(self) -> set[str]:
        """The type of every resource, under whatever condition."""
        return {resource["Type"] for resource in self.written["Resources"].values()}

    def made(self, parameters: Mapping[str, Any]) -> Iterator[Resource]:
        """What a deployment with `parameters`, and defaults for the others, makes."""
        evaluation = _Evaluation(
            self.defaults | dict(parameters), self.written.get("Conditions", {})
        )
        shared = self.written.get("Globals", {}).get("Function", {})
        for name, resource in self.written["Resources"].items():
            if "Condition" in resource and not evaluation.holds(resource["Condition"]):
                continue
            properties = resource.get("Properties", {})
            if resource["Type"] == FUNCTION:
                properties = {**shared, **properties}
            yield Resource(name, resource["Type"], evaluation.value(properties))


def read(paths: tuple[str, ...]) -> list[Template]:
    """The templates of `paths` that there are."""
    files = {path: ROOT / path for path in paths}
    return [
        Template(path, yaml_parse(file.read_text(encoding="utf-8")))
        for path, file in files.items()
        if file.exists()
    ]


def deployed(paths: tuple[str, ...], parameters: Mapping[str, Any] | None = None) -> list[Resource]:
    """What a deployment makes, a nested stack's resources included.

    The first template hands its parameters on under the same names.
    """
    templates = read(paths)
    given = dict(templates[0].defaults if templates else {}) | dict(parameters or {})
    return [resource for template in templates for resource in template.made(given)]


@dataclass(frozen=True)
class _Evaluation:
    parameters: Mapping[str, Any]
    conditions: Mapping[str, Any]

    def holds(self, condition: str) -> bool:
        return bool(self.value(self.conditions[condition]))

    def value(self, part: Any) -> Any:
        """A part of the template with what its functions come to."""
        if isinstance(part, list):
            return [self.value(one) for one in part if one != _NO_VALUE]
        if not isinstance(part, Mapping):
            return part
        if len(part) == 1:
            (function, argument), *_ = part.items()
            if function == "Ref" and argument in self.parameters:
                return self.parameters[argument]
            if function == "Condition" and argument in self.conditions:
                return self.holds(argument)
            if function in _FUNCTIONS:
                return _FUNCTIONS[function](self, argument)
        values = {name: self.value(one) for name, one in part.items()}
        return {name: one for name, one in values.items() if one != _NO_VALUE}

    def chosen(self, argument: Any) -> Any:
        condition, then, otherwise = argument
        return self.value(then if self.holds(condition) else otherwise)

    def equal(self, argument: Any) -> bool:
        one, other = map(self.value, argument)
        # Parameters are texts to CloudFormation, and a list's empty default is one, too.
        return str(one) == str(other)


_FUNCTIONS: Mapping[str, Callable[[_Evaluation, Any], Any]] = {
    "Fn::If": _Evaluation.chosen,
    "Fn::Equals": _Evaluation.equal,
    "Fn::Not": lambda self, argument: not self.value(argument[0]),
    "Fn::And": lambda self, argument: all(map(self.value, argument)),
    "Fn::Or": lambda self, argument: any(map(self.value, argument)),
}
