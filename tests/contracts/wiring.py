"""template.yaml as the contract tests read it: what there is, and what points to what."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "template.yaml").read_text(encoding="utf-8")
TEMPLATE: dict[str, Any] = yaml_parse(TEXT)
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


def properties(logical_id: str) -> dict[str, Any]:
    """What a resource is declared with."""
    declared: dict[str, Any] = RESOURCES[logical_id].get("Properties", {})
    return declared


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of a type, by logical id."""
    return {name: properties(name) for name, one in RESOURCES.items() if one["Type"] == kind}


def points_to(value: object) -> str | None:
    """The logical id that a `!Ref` or a `!GetAtt` names."""
    if not isinstance(value, Mapping):
        return None
    if "Ref" in value:
        return str(value["Ref"])
    attribute = value.get("Fn::GetAtt")
    return None if attribute is None else str(attribute[0])


def references(value: object) -> Iterator[str]:
    """Every parameter and resource that a part of the template names; pseudo parameters aside."""
    if isinstance(value, Mapping):
        target = points_to(value)
        if target is not None:
            yield from () if target.startswith("AWS::") else (target,)
        elif "Fn::Sub" in value:
            yield from _IN_TEXT.findall(str(value["Fn::Sub"]))
        else:
            for part in value.values():
                yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def listed(value: Any) -> list[Any]:
    """A list, also where the template has one thing alone."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Function:
    """A function of the template, with what the globals give it."""

    logical_id: str
    declared: dict[str, Any]

    @property
    def service(self) -> str:
        """The name of its package under services/."""
        return str(self.declared["Handler"]).split(".")[1]

    @property
    def timeout(self) -> int:
        """Seconds."""
        return int(self.declared["Timeout"])

    @property
    def loops(self) -> bool:
        """Whether Lambda lets what its own messages lead to call it again and again."""
        return bool(self.declared.get("RecursiveLoop") == "Allow")

    @property
    def environment(self) -> dict[str, Any]:
        """Its variables, those of the globals included."""
        everywhere = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        return {**everywhere, **self.declared["Environment"]["Variables"]}

    @property
    def source(self) -> dict[str, Any] | None:
        """The SQS event source that calls it."""
        sources = [e["Properties"] for e in self.declared.get("Events", {}).values()]
        return next((source for source in sources if "Queue" in source), None)

    @property
    def queue(self) -> str | None:
        """The queue that it reads."""
        return None if self.source is None else points_to(self.source["Queue"])

    @property
    def statements(self) -> list[dict[str, Any]]:
        """What its role allows it, managed policies aside."""
        role = properties(str(points_to(self.declared["Role"])))
        return [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]


def functions() -> list[Function]:
    """All functions."""
    shared = {k: v for k, v in TEMPLATE["Globals"]["Function"].items() if k != "Environment"}
    return [
        Function(name, {**shared, **declared})
        for name, declared in of_type("AWS::Serverless::Function").items()
    ]


def function_of(service: str) -> Function:
    """The function of a service."""
    return next(function for function in functions() if function.service == service)


def queues() -> dict[str, dict[str, Any]]:
    """All queues by logical id."""
    return of_type("AWS::SQS::Queue")


def working_queues() -> dict[str, dict[str, Any]]:
    """The queues that somebody reads: those that hand their failures to another."""
    return {name: queue for name, queue in queues().items() if "RedrivePolicy" in queue}


def queue_name(logical_id: str) -> str:
    """A queue's name without what the stack's parameters put in front of it."""
    return str(properties(logical_id)["QueueName"]["Fn::Sub"]).rpartition("}-")[2]


def rules() -> dict[str, dict[str, Any]]:
    """All EventBridge rules by logical id."""
    return of_type("AWS::Events::Rule")


def rules_of_our_bus() -> dict[str, dict[str, Any]]:
    """The rules that listen to our bus."""
    return {name: rule for name, rule in rules().items() if "EventBusName" in rule}


def statements_in_text(text: str = TEXT) -> Iterator[tuple[list[str], list[tuple[str, str]]]]:
    """Each policy statement: its actions, and for each of its resources the text and its line."""
    lines = text.splitlines()
    for node in _mappings(yaml.compose(text, Loader=yaml.SafeLoader)):
        keys = {key.value: value for key, value in node.value if isinstance(key.value, str)}
        if "Effect" in keys and "Action" in keys and "Resource" in keys:
            actions = [scalar.value for scalar in _scalars(keys["Action"])]
            found = _scalars(keys["Resource"])
            yield actions, [(one.value, lines[one.start_mark.line]) for one in found]


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _mappings(value)


def _scalars(node: yaml.Node) -> list[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        return [node]
    children = node.value if isinstance(node, yaml.SequenceNode) else []
    return [scalar for child in children for scalar in _scalars(child)]
