"""What one parameter of a sweep may be, as the files of a sweep write it.

    lr: [0.1, 0.01]                 each of these
    act: {choice: [relu, tanh]}     the same
    model: resnet                   one value for all
    depth: {range: [2, 8]}          2 to 7; a third number is the step; or the text range(2,8)
    dropout: {linspace: [0, 1, 5]}  5 values at even distances
    decay: {logspace: [1e-5, 1, 6]} 6 values at even ratios
    layers: {int: [1, 4]}           whole numbers, both ends among them
    mix: {quniform: [0, 1, 0.05]}   multiples of 0.05, both ends among them
    x: {uniform: [-5, 10]}          any number between; random and bayes only
    y: {loguniform: [1e-5, 1]}      any number between, by its logarithm; random and bayes only

A word without quotes is what `shared.scalars.scalar` makes of it: `1e-5` is a number; `on`, `no`
and `007` are texts.
"""

import difflib
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cli.sweep.config_yaml import Plain, Tree
from shared.errors import Rejected
from shared.hydra import shown
from shared.scalars import Scalar, checked_name, checked_text, decimal, scalar
from shared.spacing import spaced, stepped
from shared.values import Values, listed

_CALL = re.compile(r"\s*([A-Za-z_]\w{0,30})\(([^()]*)\)\s*")
_FORMS = ("choice", "range", "linspace", "logspace", "int", "quniform", "uniform", "loguniform")


@dataclass(frozen=True)
class Between:
    """Any number from `low` to `high`; with `log` it is its logarithm that is even."""

    low: float
    high: float
    log: bool = False

    def draw(self, source: random.Random) -> float:
        """One of them."""
        if not self.log:
            return self.low + (self.high - self.low) * source.random()
        low, high = math.log(self.low), math.log(self.high)
        return min(self.high, max(self.low, math.exp(low + (high - low) * source.random())))


Domain = Values | Between


def read_domain(name: str, tree: Tree) -> Domain:
    """What one parameter may be.

    Raises:
        Rejected: it is written in no such form, or there is nothing that it may be.

    >>> from cli.sweep.config_yaml import At, load
    >>> read_domain("lr", load("{loguniform: [1e-5, 1]}", At("x")))
    Between(low=1e-05, high=1.0, log=True)
    """
    if name.endswith(")"):
        message = f"{shown(name)} is what a comma has cut off: put quotes around 'range(2, 8)'"
        raise Rejected(message)
    name = checked_name(name)
    try:
        return _domain(name, tree)
    except Rejected as problem:
        text = str(problem)
        raise Rejected(text if text.startswith(name) else f"{name}: {text}") from None


def _domain(name: str, tree: Tree) -> Domain:
    if isinstance(tree, list):
        return listed(name, [read_scalar(one) for one in tree])
    if isinstance(tree, str):
        return _alone(name, tree)
    if len(tree) != 1:
        message = f"{name} takes one of {', '.join(_FORMS)}, as {{range: [2, 8]}}"
        raise Rejected(message)
    ((form, entry),) = tree.items()
    if form not in _FORMS:
        near = difflib.get_close_matches(form[:30], _FORMS, n=1, cutoff=0)[0]
        message = f"there is no {form[:30]!r}: write {near}, or one of {', '.join(_FORMS)}"
        raise Rejected(message)
    if not isinstance(entry.value, list):
        message = f"{form} takes a list, as {{{form}: [1, 2]}}"
        raise Rejected(message)
    if form == "choice":
        return listed(name, [read_scalar(one) for one in entry.value])
    return _numeric(
        form, [str(one) if isinstance(one, Plain) else repr(one) for one in entry.value]
    )


def _alone(name: str, word: str) -> Values:
    call = _CALL.fullmatch(word) if isinstance(word, Plain) else None
    if call:
        return spaced(call[1].lower(), [bound.strip() for bound in call[2].split(",")])
    if isinstance(word, Plain) and "," in word:
        message = f"{name} is one text, {shown(word)}: write a list, [{word[:40]}]"
        raise Rejected(message)
    return listed(name, [read_scalar(word)])


def _numeric(form: str, bounds: Sequence[str]) -> Domain:
    if form in ("range", "linspace", "logspace"):
        return spaced(form, bounds)
    wanted, example = (3, "0, 1, 0.05") if form == "quniform" else (2, "1, 4")
    if len(bounds) != wanted:
        message = f"{form} takes {wanted} numbers, as {{{form}: [{example}]}}"
        raise Rejected(message)
    low, high, *rest = map(decimal, bounds)
    if low > high:
        message = f"{form} goes from the lower to the higher: write [{bounds[1]}, {bounds[0]}]"
        raise Rejected(message)
    if form == "quniform":
        return _multiples(low, high, rest[0])
    return _whole_numbers(low, high) if form == "int" else _between(form, low, high)


def _multiples(low: Decimal, high: Decimal, step: Decimal) -> Values:
    if step <= 0:
        message = "quniform's third number, its step, is above 0: write 0.05, say"
        raise Rejected(message)
    # Half a step beyond the end, so that the end is one of them and nothing behind it.
    return stepped(low, high + step / 2, step)


def _whole_numbers(low: Decimal, high: Decimal) -> Values:
    if low != int(low) or high != int(high):
        message = "int takes whole numbers: write uniform for others"
        raise Rejected(message)
    return stepped(Decimal(int(low)), Decimal(int(high) + 1), Decimal(1))


def _between(form: str, low: Decimal, high: Decimal) -> Between:
    if low == high:
        message = f"{form} lies between two different numbers: write a list for one value"
        raise Rejected(message)
    if form == "loguniform" and low <= 0:
        message = "loguniform lies above 0: write [1e-5, 1], say"
        raise Rejected(message)
    return Between(float(low), float(high), log=form == "loguniform")


def read_scalar(tree: Tree) -> Scalar:
    """One value.

    Raises:
        Rejected: it is a list or a mapping, or nothing that a point can hold.

    """
    if isinstance(tree, Plain):
        return None if tree.null else scalar(str(tree))
    if isinstance(tree, str):
        return checked_text(tree)
    message = "a value is a number, true, false, null or a text; put quotes around a list"
    raise Rejected(message)
