"""docs/reliability.md: the tests that its tables name exist, and it is finished."""

import ast
import re
from functools import cache

from tests.contracts.markdown import code, without_fences
from tests.contracts.wiring import PROJECT

PAGE = (PROJECT / "docs/reliability.md").read_text(encoding="utf-8")
_TEST = re.compile(r"(?:(tests/[a-z0-9_/]+\.py)::)?(test_[a-z0-9_]+)")
# What stands where figures are still to come.
_PLACEHOLDER = re.compile(r"^[A-Z]+FIGURES$", re.MULTILINE)


@cache
def _tests() -> frozenset[str]:
    """The names of all tests of the repository, whatever file they are in."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for path in (PROJECT / "tests").rglob("test_*.py")
    ]
    functions = (node for tree in trees for node in ast.walk(tree))
    return frozenset(
        node.name
        for node in functions
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def _named() -> list[str]:
    rows = [line for line in without_fences(PAGE).splitlines() if line.startswith("|")]
    spans = [span for row in rows for span in code(row)]
    return [match[2] for span in spans if (match := _TEST.fullmatch(span))]


def test_docs_of_reliability_name_tests_that_exist() -> None:
    named = _named()

    assert len(named) >= 20
    assert sorted(set(named) - _tests()) == []


def test_docs_of_reliability_wait_for_no_figures() -> None:
    assert _PLACEHOLDER.findall(PAGE) == []


def test_docs_of_reliability_say_of_every_fault_what_shows_it() -> None:
    """A row without a test leads to the simulation or to a command; a heading has one cell."""
    _, _, faults = PAGE.partition("\n## Faults\n")
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in faults.partition("\n## ")[0].splitlines()
        if line.startswith("| ")
    ][1:]
    told = [row for row in rows if any(row[1:])]

    assert len(told) >= 20
    for row in told:
        assert all(row), row[0]
        assert "the simulation" in row[-1] or code(row[-1]), row[0]
