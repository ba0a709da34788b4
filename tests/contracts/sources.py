"""The project's Python files as the contract tests read them: parsed, never imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.contracts.wiring import PROJECT

PARTS = ("cli", "container", "local", "services", "shared", "tests")


@dataclass(frozen=True)
class Module:
    """A module by its dotted name."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        """The top-level package that it belongs to."""
        return self.name.partition(".")[0]

    @property
    def service(self) -> str | None:
        """The service that it belongs to."""
        words = self.name.split(".")
        return words[1] if words[0] == "services" and len(words) > 1 else None

    def imports(self) -> Iterator[str]:
        """The dotted name of everything that it imports, wherever in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def imported_modules(self) -> set[str]:
        """The modules that it imports, or imports from."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
        return found


@cache
def modules(*parts: str) -> tuple[Module, ...]:
    """Every module of some parts of the project, the example project's own files aside."""
    return tuple(
        _read(path)
        for part in parts
        for path in sorted((PROJECT / part).rglob("*.py"))
        if "local/example/project" not in path.as_posix()
    )


def module(name: str) -> Module:
    """One module of the services or of what they share."""
    return next(one for one in modules("services", "shared") if one.name == name)


def _read(path: Path) -> Module:
    words = path.relative_to(PROJECT).with_suffix("").parts
    name = ".".join(words[:-1] if words[-1] == "__init__" else words)
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8")))
