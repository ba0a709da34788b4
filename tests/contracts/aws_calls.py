"""Which AWS actions each service's code can call, read from the code itself.

From a service's `handle` and `build` the names are followed: functions and classes by their
imports, methods of the adapters by what the house calls an adapter (`needs.runs.change` is
RunStore's). At the ends stand calls of boto3 clients, `self._dynamodb.get_item(…)`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from tests.contracts.sources import Module, module, modules

# What an adapter is called where it is used, without a leading underscore.
ADAPTERS = {
    "access": ("shared.bitbucket_access", "Access"),
    "backlogs": ("services.reconciler.backlogs", "Backlogs"),
    "batch": ("services.submitter.jobs", "SubmitterJobs"),
    "best": ("shared.best", "BestResults"),
    "bitbucket": ("shared.bitbucket", "Bitbucket"),
    "definitions": ("services.submitter.definitions", "JobDefinitions"),
    "hooks": ("services.webhook.hooks", "Hooks"),
    "jobs": ("shared.batch_jobs", "BatchJobs"),
    "lists": ("services.submitter.points", "PointLists"),
    "machines": ("shared.machines", "Machines"),
    "publisher": ("shared.publisher", "Publisher"),
    "queue": ("shared.consumer", "Queue"),
    "queues": ("services.submitter.queues", "JobQueues"),
    "results": ("shared.sweep_results", "SweepResults"),
    "runs": ("shared.run_store", "RunStore"),
    "secrets": ("shared.secrets", "Secrets"),
}
# What a boto3 client is called in an adapter, and the prefix of its actions in IAM.
CLIENTS = {
    "batch": "batch",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "eventbridge": "events",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sqs": "sqs",
}
# A client's method that calls nothing: it lets go of connections.
CLOSES = "close"
# Where a client's method is allowed under another action's name.
RENAMED = {"s3:ListObjectsV2": "s3:ListBucket", "sqs:SendMessageBatch": "sqs:SendMessage"}

Place = tuple[str, str]


@dataclass
class _Reached:
    """What a service's code gets to: definitions, and actions."""

    places: set[Place] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)


def actions(service: str) -> set[str]:
    """The IAM actions that the code of a service calls."""
    reached = _Reached()
    app = module(f"services.{service}.app")
    for name in ("handle", "build"):
        _follow((app.name, name), reached)
    # A publisher calls only the clients that it was made with.
    unused = {"sqs:SendMessage", "events:PutEvents"} - _publishers_clients(app)
    return reached.actions - unused


def published_to_queues(service: str) -> dict[str, str]:
    """The events that a service puts on queues: class -> setting with the queue's url."""
    found = {}
    for node in ast.walk(module(f"services.{service}.app").tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Name) and isinstance(value, ast.Attribute):
                    found[key.id] = value.attr
    return found


def publishes_facts(service: str) -> bool:
    """Whether a service puts events on the bus."""
    return "events:PutEvents" in _publishers_clients(module(f"services.{service}.app"))


def unused_adapters() -> set[Place]:
    """Adapters that nothing in the services is called after: a stale line in `ADAPTERS`."""
    nodes = [node for one in modules("services", "shared") for node in ast.walk(one.tree)]
    attributes = {node.attr.lstrip("_") for node in nodes if isinstance(node, ast.Attribute)}
    variables = {node.id for node in nodes if isinstance(node, ast.Name)}
    return {place for name, place in ADAPTERS.items() if name not in attributes | variables}


def clients_made() -> set[str]:
    """The AWS services that clients are made for, by boto3's names."""
    return {
        str(node.args[0].value)
        for one in modules("services", "shared")
        for node in ast.walk(one.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "clients.make"
        and isinstance(node.args[0], ast.Constant)
    }


def _publishers_clients(app: Module) -> set[str]:
    made = {
        keyword.arg
        for node in ast.walk(app.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Publisher"
        for keyword in node.keywords
    }
    names = {"sqs": "sqs:SendMessage", "eventbridge": "events:PutEvents"}
    return {action for name, action in names.items() if name in made}


def _follow(place: Place, reached: _Reached) -> None:
    if place in reached.places:
        return
    reached.places.add(place)
    name, definition = place
    body = _definitions(name).get(definition)
    if body is None:
        return
    owner = definition.partition(".")[0]
    for node in ast.walk(body):
        if isinstance(node, ast.Name):
            for target in _targets(name, node.id):
                _follow(target, reached)
        elif isinstance(node, ast.Attribute):
            _follow_attribute(name, owner, node, reached)


def _follow_attribute(name: str, owner: str, node: ast.Attribute, reached: _Reached) -> None:
    holder = ast.unparse(node.value).rpartition(".")[2].lstrip("_")
    if holder == "self":
        _follow((name, f"{owner}.{node.attr}"), reached)
    elif (name, owner) in ADAPTERS.values() and holder in CLIENTS:
        pascal = "".join(word.title() for word in node.attr.split("_"))
        action = f"{CLIENTS[holder]}:{pascal}"
        if node.attr != CLOSES:
            reached.actions.add(RENAMED.get(action, action))
    elif holder in ADAPTERS:
        where, adapter = ADAPTERS[holder]
        _follow((where, f"{adapter}.{node.attr}"), reached)


def _targets(name: str, used: str) -> Iterator[Place]:
    """What a name in a module stands for; a class stands for all of its methods."""
    where, definition = _imported(name).get(used, (name, used))
    if (where, definition) in ADAPTERS.values():
        return  # made here, called where it is used
    yield where, definition
    if where.partition(".")[0] in ("services", "shared"):
        methods = re.compile(rf"{re.escape(definition)}\.")
        yield from ((where, other) for other in _definitions(where) if methods.match(other))


@cache
def _imported(name: str) -> dict[str, Place]:
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(module(name).tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@cache
def _definitions(name: str) -> dict[str, ast.AST]:
    """The functions of a module, and the methods of its classes as `Class.method`."""
    found: dict[str, ast.AST] = {}
    if name not in {one.name for one in modules("services", "shared")}:
        return found
    for node in module(name).tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    found[f"{node.name}.{inner.name}"] = inner
    return found
