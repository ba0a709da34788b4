"""How the parameters of a sweep are written, and the points that they span.

    lr=0.1,0.01 depth=range(2,8) act='leaky relu',tanh model.name=resnet params.yaml:decay=null

White space separates parameters, commas their values. A value is a whole number, a number, `true`,
`false`, `null`, or a text; a text in quotes may hold anything but its quote, and is a text even if
it looks like a number. In place of values there may be one of

    range(START,STOP[,STEP])    as Python's: without STOP; decimals do not drift
    linspace(FIRST,LAST,COUNT)  numbers at even distances
    logspace(FIRST,LAST,COUNT)  numbers at even ratios

Quotes around a whole parameter let it hold spaces, as `'lr=0.1, 0.01'`. Names are those that Hydra
takes for `dvc exp run -S`. Reading is linear in the text, and a space knows its size without making
a point. Used by every push: standard library, and what it needs of `shared`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.errors import Rejected
from shared.hydra import shown
from shared.scalars import Scalar, checked_name, checked_text, scalar
from shared.spacing import spaced
from shared.values import Values, listed

Point = dict[str, Scalar]

MOST_PARAMETERS = 100
_MOST_PROBLEMS = 3
# One value and the comma behind it. No part can take what the next one begins with: one pass.
_ITEM = re.compile(
    r"""\s*(?:(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"
            |(?P<call>[A-Za-z_]\w{0,30})\((?P<bounds>[^()]*)\))\s*(?:(?P<comma>,)|\Z)
        |(?P<plain>[^,]*)(?P<plain_comma>,?))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Space:
    """Every combination of the parameters' values."""

    parameters: Mapping[str, Values]

    @property
    def size(self) -> int:
        """The number of points. Nothing is made for it, and it may be huge."""
        return math.prod(values.size for values in self.parameters.values())

    def at(self, index: int) -> Point:
        """The point at an index from 0; the last parameter turns fastest."""
        turned: list[tuple[str, Scalar]] = []
        for name in reversed(tuple(self.parameters)):
            values = self.parameters[name]
            index, place = divmod(index, values.size)
            turned.append((name, values.at(place)))
        return dict(reversed(turned))

    def points(self) -> Iterator[Point]:
        """All points, in order."""
        return map(self.at, range(self.size))


def parse(text: str) -> Space:
    """The space that a keyword's text spans.

    Raises:
        Rejected: it cannot be read, or holds no point; the text says what to write instead.

    >>> space = parse("lr=0.1,0.01 act='leaky relu',tanh")
    >>> space.size, space.at(2)
    (4, {'lr': 0.01, 'act': 'leaky relu'})
    >>> parse("depth=range(0,10000000) width=linspace(0,1,5)").size
    50000000
    >>> parse("depth=rnage(2,8)")
    Traceback (most recent call last):
    shared.errors.Rejected: depth: there is no rnage(…): write range(2,8)
    """
    found: dict[str, Values] = {}
    problems: list[str] = []
    for word in _words(text):
        try:
            name, values = _parameter(word)
            if name in found:
                problems.append(f"{name} stands twice: write all its values behind one {name}=")
            found[name] = values
        except Rejected as problem:
            problems.append(str(problem))
        if len(problems) == _MOST_PROBLEMS:
            break
        if len(found) > MOST_PARAMETERS:
            problems.append(f"a sweep has at most {MOST_PARAMETERS} parameters")
            break
    if not found and not problems:
        problems.append("a sweep needs parameters: write lr=0.1,0.01 depth=range(2,8)")
    if problems:
        raise Rejected("; ".join(problems))
    return Space(found)


def _words(text: str) -> Iterator[str]:
    """What stands between white space that no quote and no bracket holds."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] in "'\"":
            close = _close(text, at, text[at])
            yield text[at + 1 : close]
            at = close + 1
        else:
            end = _end(text, at)
            yield text[at:end]
            at = end


def _end(text: str, start: int) -> int:
    """Where the word ends that starts here."""
    at, opens = start, "=,"
    while at < len(text) and not text[at].isspace():
        if text[at] == "(":
            at = _close(text, at, ")")
        elif text[at] in "'\"" and text[at - 1] in opens:
            at = _close(text, at, text[at])
        elif text[at - 1] == "=":
            opens = ","  # behind a second = a quote is a character
        at += 1
    return at


def _close(text: str, opening: int, closing: str) -> int:
    close = text.find(closing, opening + 1)
    if close < 0:
        what = "bracket" if closing == ")" else "quote"
        message = (
            f"the {what} {text[opening]} before {shown(text[opening + 1 :])} is never closed: "
            f"add a {closing} where it ends, or take this one away"
        )
        raise Rejected(message)
    return close


def _parameter(word: str) -> tuple[str, Values]:
    name, equals, written = word.partition("=")
    if not equals:
        message = f"{shown(word)} has no =: write name=value,value without spaces at the commas"
        raise Rejected(message)
    name = checked_name(name.strip())
    try:
        return name, _values(name, written)
    except Rejected as problem:
        text = str(problem)
        raise Rejected(text if text.startswith(name) else f"{name}: {text}") from None


def _values(name: str, written: str) -> Values:
    found: list[Scalar] = []
    at, more = 0, True
    while more:
        match = _ITEM.match(written, at)
        if match is None:  # every text matches; said for the reader of types
            break
        at = match.end()
        more = bool(match["comma"] or match["plain_comma"])
        if match["call"]:
            if found or more:
                message = f"{match['call']}(…) stands alone: write its values out to add others"
                raise Rejected(message)
            bounds = match["bounds"].split(",")
            return spaced(match["call"].lower(), [bound.strip() for bound in bounds])
        quoted = match["single"] if match["single"] is not None else match["double"]
        found.append(checked_text(quoted) if quoted is not None else _plain(name, match["plain"]))
    return listed(name, found)


def _plain(name: str, written: str) -> Scalar:
    text = written.strip()
    if not text:
        message = (
            f"{name} has an empty value: write {name}=0.1,0.01 without spaces, "
            "or '' for an empty text"
        )
        raise Rejected(message)
    if text[0] in "'\"":
        fault = "no comma behind its quotes" if text.count(text[0]) > 1 else "an unclosed quote"
        message = f"{shown(text)} has {fault}: write 'a b',c"
        raise Rejected(message)
    if any(bracket in text for bracket in "()[]{}"):
        message = f"{shown(text)} has a bracket: put quotes around a text, as in '{text[:20]}'"
        raise Rejected(message)
    return scalar(text)
