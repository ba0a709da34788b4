"""A service's app.py: docstring, imports, Settings, its dependencies, handle, build, handler."""

import ast
from itertools import pairwise

import pytest

from tests.contracts.sources import Module, modules
from tests.contracts.wiring import functions

APPS = [one for one in modules("services") if one.name.endswith(".app")]
ORDER = (
    "docstring",
    "import",
    "constant",
    "settings",
    "protocol",
    "dependencies",
    "handle",
    "build",
    "handler",
)
NEEDED = {"docstring", "import", "settings", "handle", "build", "handler"}


def _kind(node: ast.stmt) -> str:
    """What a top-level statement is to the order; its own text where it has no place there."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return "docstring"
        case ast.Import() | ast.ImportFrom():
            return "import"
        case ast.ClassDef(bases=[ast.Name(id="Settings")]):
            return "settings"
        case ast.ClassDef(bases=[ast.Name(id="Protocol")]):
            return "protocol"
        case ast.ClassDef(bases=[]) if "dataclass(frozen=True)" in map(
            ast.unparse, node.decorator_list
        ):
            return "dependencies"
        case ast.FunctionDef(name="handle" | "build"):
            return node.name
        case ast.Assign(targets=[ast.Name(id="handler")]):
            return "handler"
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant()) if name.isupper():
            return "constant"
    return ast.unparse(node)


def test_each_function_has_its_app_and_each_app_its_function() -> None:
    handlers = {function.declared["Handler"] for function in functions()}

    assert handlers == {f"{app.name}.handler" for app in APPS}


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_an_app_reads_in_the_same_order_as_every_other(app: Module) -> None:
    kinds = [_kind(node) for node in app.tree.body]

    assert not set(kinds) - set(ORDER), "it belongs into a module of its own"
    assert set(kinds) >= NEEDED
    assert all(ORDER.index(one) <= ORDER.index(next_) for one, next_ in pairwise(kinds))
    assert [kind for kind in kinds if kinds.count(kind) > 1 and kind != "import"] == []


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_an_apps_handle_takes_one_event_and_what_it_needs(app: Module) -> None:
    handle = next(
        node
        for node in app.tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "handle"
    )

    assert len(handle.args.args) == 2
    assert ast.unparse(app.tree.body[-1]) == "handler = entry(build)"
