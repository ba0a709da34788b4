"""What a deliberate fault is.

A mutant names the text that it replaces; a test sees to it that the product has that text once.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """A text of a file of the product, and what stands there instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A fault: `name` in the words of its author's mistake."""

    name: str
    edits: tuple[Edit, ...]


def mutant(name: str, path: str, *texts: tuple[str, str]) -> Mutant:
    """A mutant of one file: pairs of a text and what stands there instead."""
    return Mutant(name, tuple(Edit(path, old, new) for old, new in texts))
