"""YAML as the files of a sweep are written: what a word means is decided by whoever asks for it.

A word without quotes stays as it was written, and what asks for it makes a number of it or not. So
`1e-5` is a number, a commit `7e12345` is none, and `on`, `no` and `2026-11-21` are texts, other
than in YAML 1.1. Only `true` and `false` are truth values. Every key remembers where it stands, and
one that stands twice in a mapping is an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cli.sweep.config_errors import Problem

# CSafeLoader is ten times as fast, and in every wheel of PyYAML; a build without libyaml lacks it.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 20
_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"


class Plain(str):
    """A word without quotes."""

    __slots__ = ()

    @property
    def null(self) -> bool:
        """Whether it says that there is nothing."""
        return self.lower() in ("", "~", "null")


@dataclass(frozen=True)
class At:
    """Where something was written: a file's line, or an option of the command line."""

    source: str
    line: int | None = None
    folder: Path = Path()

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True)
class Entry:
    """A key's value and where the key stands."""

    value: "Tree"
    at: At


Tree = str | list["Tree"] | dict[str, Entry]


def load(text: str, at: At) -> Tree:
    r"""What a YAML text says, without any type but text, list and mapping.

    Raises:
        Problem: it is no YAML, or has a key twice, a tag, or an alias inside itself.

    >>> tree = load("lr: 1e-5\nnames: ['a', b]", At("x.yaml", 1))
    >>> {key: (entry.value, str(entry.at)) for key, entry in tree.items()}
    {'lr': ('1e-5', 'x.yaml:1'), 'names': (['a', 'b'], 'x.yaml:2')}
    """
    try:
        node = yaml.compose(text, Loader=_Words)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark and at.line is not None else ""
        message = f"{at.source}{place}: this is no YAML: {error.problem or error.context}"
        raise Problem(message) from error
    except yaml.YAMLError as error:  # a character that YAML does not take
        message = f"{at.source}: this is no YAML: {str(error).splitlines()[0]}"
        raise Problem(message) from error
    except RecursionError as error:
        raise _too_deep(at.source) from error
    return Plain("") if node is None else _Reading(at).tree(node, 0)


class _Words(_Base):  # type: ignore[misc]  # its base is one of two classes, chosen above
    """A loader that decides nothing about words."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012 - as its base has it
    _depth = 0

    # Called around each node. The C parser knows no limit but the stack's, and dies at that.
    def descend_resolver(self, *_place: object) -> None:
        """Count a node's depth."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError

    def ascend_resolver(self) -> None:
        """Back from a node."""
        self._depth -= 1


class _Reading:
    """One text's nodes, each read once however often an alias names it."""

    def __init__(self, at: At) -> None:
        self._at = at
        self._read: dict[int, Tree | None] = {}

    def tree(self, node: yaml.Node, depth: int) -> Tree:
        if id(node) in self._read:
            known = self._read[id(node)]
            if known is None:
                raise self._problem(node, "an alias stands inside what it names")
            return known
        if depth > _DEEPEST:
            raise _too_deep(self._where(node))
        self._read[id(node)] = None
        read = self._read[id(node)] = self._made(node, depth)
        return read

    def _made(self, node: yaml.Node, depth: int) -> Tree:
        if node.tag not in (f"{_TAG}str", f"{_TAG}seq", f"{_TAG}map"):
            tag = node.tag.replace(_TAG, "!!")
            raise self._problem(node, f"the tag {tag} is not known here: leave it out")
        if isinstance(node, yaml.ScalarNode):
            return Plain(node.value) if _is_plain(node) else str(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.tree(one, depth + 1) for one in node.value]
        found: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key, value in self._pairs(node):
            at = At(self._at.source, self._line(key), self._at.folder)
            tree = self.tree(value, depth + 1)
            if key.value == _MERGE and _is_plain(key):
                for one in tree if isinstance(tree, list) else [tree]:
                    if not isinstance(one, dict):
                        raise self._problem(key, "<< takes a mapping, or a list of them")
                    merged = {**one, **merged}
            elif key.value in found:
                before = found[key.value].at.line
                raise self._problem(key, f"{key.value!r} stands here and on line {before}")
            else:
                found[key.value] = Entry(tree, at)
        return {**merged, **found}

    def _pairs(self, node: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._problem(key, "a key is a word: put quotes around it")
            yield key, value

    def _line(self, node: yaml.Node) -> int | None:
        # The text of one option has no lines that anybody would look for.
        return None if self._at.line is None else node.start_mark.line + self._at.line

    def _where(self, node: yaml.Node) -> str:
        return str(At(self._at.source, self._line(node)))

    def _problem(self, node: yaml.Node, what: str) -> Problem:
        return Problem(f"{self._where(node)}: {what}")


def _is_plain(node: yaml.ScalarNode) -> bool:
    return node.style not in ("'", '"', "|", ">")


def _too_deep(where: str) -> Problem:
    return Problem(f"{where}: lists and mappings are nested deeper than {_DEEPEST}")
