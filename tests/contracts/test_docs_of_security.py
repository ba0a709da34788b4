"""docs/security.md: every threat has what stops it, what is left, and tests that exist."""

import ast
import re
from functools import cache

import pytest

from tests.contracts.markdown import code, headings
from tests.contracts.wiring import PROJECT

PAGE = (PROJECT / "docs/security.md").read_text(encoding="utf-8")
# What the page must speak of, as its headings say it.
THREATS = (
    "A forged webhook",
    "A replay of a webhook",
    "A webhook of another repository",
    "Poisoned events",
    "Floods and bills",
    "A web page that a developer opens",
    "Hostile branch, repository and file names",
    "A hostile commit message",
    "Hostile results of a sweep",
    "Hostile pipeline code against credentials",
    "A leaked log link",
    "A stolen token",
    "More rights than needed",
    "A hostile dependency",
)
_TEST = re.compile(r"(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)")


def _section(heading: str) -> str:
    _, _, rest = PAGE.partition(f"\n### {heading}\n")
    return re.split(r"^#{2,3} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


@cache
def _tests(file: str) -> frozenset[str]:
    path = PROJECT / file
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_docs_of_security_speak_of_every_threat_and_of_no_other() -> None:
    found = [one for one in headings(PAGE) if f"\n### {one}\n" in PAGE]

    assert found == list(THREATS)


@pytest.mark.parametrize("threat", THREATS)
def test_docs_of_security_say_what_is_left_of_a_threat(threat: str) -> None:
    _, marked, left = _section(threat).partition("**What is left.**")

    assert marked
    assert len(left.partition("Shown by:")[0].strip()) > 40


@pytest.mark.parametrize("threat", THREATS)
def test_docs_of_security_name_tests_that_exist(threat: str) -> None:
    _, marked, shown = _section(threat).partition("\nShown by:\n")
    named = [match for span in code(shown) if (match := _TEST.fullmatch(span))]

    assert marked
    assert len(named) >= 3
    assert len(named) == len(code(shown)), "each is one file and one name"
    for match in named:
        assert match[2] in _tests(match[1]), match[0]
    assert len({match[0] for match in named}) == len(named)


def test_docs_of_security_name_every_test_of_security() -> None:
    """A file of them that the page does not know shows something that nobody reads of."""
    files = {
        str(path.relative_to(PROJECT)) for path in (PROJECT / "tests").rglob("test_security_*.py")
    }

    assert files <= {match[1] for match in _TEST.finditer(PAGE)}
