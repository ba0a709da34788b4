"""Markdown as far as the docs use it: tables, links, code spans, headings."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.contracts.wiring import PROJECT

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page that people read."""
    found = [PROJECT / "README.md", PROJECT / "events/README.md"]
    found += [*(PROJECT / "docs").rglob("*.md"), *(PROJECT / "examples").rglob("*.md")]
    changes = PROJECT / "CHANGELOG.md"
    return [*found, *([changes] if changes.exists() else [])]


def name(page: Path) -> str:
    """A page's path in the project, for a test's name."""
    return str(page.relative_to(PROJECT))


def without_fences(text: str) -> str:
    """The text without its code blocks."""
    return _FENCE.sub("", text)


def fences(text: str, language: str) -> list[str]:
    """The code blocks in a language."""
    return [
        fence.split("\n", 1)[1].rsplit("\n", 1)[0] + "\n"
        for fence in _FENCE.findall(text)
        if fence.startswith(f"```{language}\n")
    ]


def links(text: str) -> list[str]:
    """Where the links outside code lead."""
    return _LINK.findall(without_fences(text))


def code(text: str) -> list[str]:
    """What stands in code spans."""
    return _CODE.findall(without_fences(text))


def headings(text: str) -> list[str]:
    """The headings, in order."""
    return _HEADING.findall(without_fences(text))


def anchor(heading: str) -> str:
    """The anchor that a heading gets on a rendered page."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def table(text: str, first_column: str) -> list[list[str]]:
    """The rows of the one table whose first column is called so."""
    found = [rows for head, rows in _tables(text) if head[0] == first_column]
    assert len(found) == 1, f"one table is to begin with the column {first_column}"
    return found[0]


def _tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    block: list[list[str]] = []
    for line in [*without_fences(text).splitlines(), ""]:
        if line.startswith("|"):
            block.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif block:
            yield block[0], block[2:]
            block = []
