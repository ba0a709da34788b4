"""DynamoDB's expressions, as far as the product writes them.

    condition   #version = :read AND attribute_exists(#version), begins_with(a, :b), NOT, OR, (…)
    update      SET #a = :a, b = :b REMOVE #c, d

What else an expression may say raises `Unmodelled`, as does one that is malformed: a model that
guesses would hide a fault. Reserved words, which DynamoDB refuses as names, are taken here.

Source: Amazon DynamoDB developer guide, "Condition and filter expressions, operators, and
functions" and "Using update expressions".
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.simulation.models.ports import Unmodelled
from tests.simulation.models.scope import Attribute, Item, Scope, Written
from tests.simulation.models.words import Words

_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS = {"attribute_exists": 1, "attribute_not_exists": 1, "begins_with": 2}


@dataclass(frozen=True)
class Term:
    """A part of a condition: AND, OR and NOT of terms, a comparison, or a function of operands."""

    does: str
    of: tuple["Term", ...] = ()
    operands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition(Written):
    """A condition that was read."""

    term: Term

    def holds(self, item: Item, scope: Scope) -> bool:
        """Whether it is true of an item; of none, `{}`."""
        return _holds(self.term, item, scope)

    @property
    def conjuncts(self) -> tuple[Term, ...]:
        """What all must hold, as a key condition has it."""
        return self.term.of if self.term.does == "AND" else (self.term,)


@dataclass(frozen=True)
class Update(Written):
    """An update that was read: values by attribute, and attributes that go."""

    sets: tuple[tuple[str, str], ...]
    removes: tuple[str, ...]


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """Read a condition, a filter or a key condition."""
    words = Words(text)
    term = _any_of(words)
    words.end()
    return Condition(words.placeholders, term)


@lru_cache(maxsize=4096)
def update(text: str) -> Update:
    """Read an update."""
    words = Words(text)
    sets: list[tuple[str, str]] = []
    removes: list[str] = []
    while words.next is not None:
        clause = words.take()
        if clause not in ("SET", "REMOVE"):
            words.fail()
        while True:
            name = words.operand()
            if clause == "SET":
                words.take("=")
                sets.append((name, words.operand()))
            else:
                removes.append(name)
            if words.next != ",":
                break
            words.take()
    if any(value[0] != ":" for _, value in sets):
        words.fail()
    return Update(words.placeholders, tuple(sets), tuple(removes))


def _holds(term: Term, item: Item, scope: Scope) -> bool:
    does = term.does
    if does == "AND":
        return all(_holds(one, item, scope) for one in term.of)
    if does == "OR":
        return any(_holds(one, item, scope) for one in term.of)
    if does == "NOT":
        return not _holds(term.of[0], item, scope)
    if does == "attribute_exists":
        return scope.name(term.operands[0]) in item
    if does == "attribute_not_exists":
        return scope.name(term.operands[0]) not in item
    one, other = (scope.value(word, item) for word in term.operands)
    if one is None or other is None:
        return False
    if does == "begins_with":
        return "S" in one and "S" in other and one["S"].startswith(other["S"])
    return compare(does, one, other)


def compare(does: str, one: Attribute, other: Attribute) -> bool:
    """Whether a comparison holds; between values of different types none does.

    >>> compare("=", {"N": "1.0"}, {"N": "1"}), compare("=", {"N": "1"}, {"S": "1"})
    (True, False)
    """
    if one.keys() != other.keys():
        return False
    ((kind, left),) = one.items()
    right = other[kind]
    if kind == "N":
        return _COMPARES[does](Decimal(left), Decimal(right))
    if does != "=" and kind != "S":
        message = f"an order of values of the type {kind}"
        raise Unmodelled(message)
    return _COMPARES[does](left, right)


def _any_of(words: Words) -> Term:
    return _joined("OR", lambda: _joined("AND", lambda: _one(words), words), words)


def _joined(by: str, read: Callable[[], Term], words: Words) -> Term:
    terms = [read()]
    while words.next == by:
        words.take()
        terms.append(read())
    return terms[0] if len(terms) == 1 else Term(by, tuple(terms))


def _one(words: Words) -> Term:
    if words.next == "NOT":
        words.take()
        return Term("NOT", (_one(words),))
    if words.next == "(":
        words.take()
        term = _any_of(words)
        words.take(")")
        return term
    if words.next in _FUNCTIONS:
        function = words.take()
        words.take("(")
        operands = [words.operand()]
        while words.next == ",":
            words.take()
            operands.append(words.operand())
        words.take(")")
        if len(operands) != _FUNCTIONS[function]:
            words.fail()
        return Term(function, operands=tuple(operands))
    left, compares = words.operand(), words.take()
    if compares not in _COMPARES:
        words.fail()
    return Term(compares, operands=(left, words.operand()))
