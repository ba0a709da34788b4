"""How `--params`, which DVC no longer has, is said today: as overrides of Hydra's.

The parser asks before it accepts a run, the job's program when it runs one. Standard library,
Python 3.9 and newer, linear time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from shared.hydra import ArgumentError, Number, is_plain, is_syntax, said, said_text, shown

_CLOSING = {"(": ")", "[": "]", "{": "}"}
# Behind one of these a quote opens a text; anywhere else it is an apostrophe.
_OPENS_A_VALUE = frozenset("=,:([{")
_MAX_DEPTH = 50


def translate_params(arguments: list[str]) -> list[str]:
    """The arguments of `dvc exp run` with every `--params` written as `-S`.

    DVC's old `--params [FILE:]NAME=VALUE,…` becomes one `-S [FILE:]NAME=VALUE` for each value, in
    Hydra's override syntax: JSON objects, lists and texts are rewritten, what is no JSON is kept
    (it may be Hydra's syntax already), but quoted where Hydra would refuse its characters.

    Raises:
        ArgumentError: no value, an unbalanced bracket, or JSON that Hydra has no words for.

    >>> translate_params(["--params", 'a=1,b={"c":2}', "train"])
    ['-S', 'a=1', '-S', 'b={c:2}', 'train']
    >>> translate_params(['--params=conf.yaml:a.b=[1,"x, y",null],c=é'])
    ['-S', "conf.yaml:a.b=[1,'x, y',null]", '-S', "conf.yaml:c='é'"]
    >>> translate_params(["-S", "a=1", "--", "--params"])
    ['-S', 'a=1', '--', '--params']
    """
    translated: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--params":
            written = next(rest, "")
        elif argument.startswith("--params="):
            written = argument[len("--params=") :]
        else:
            translated.append(argument)
            if argument == "--":
                translated += rest
            continue
        overrides = list(_overrides(written))
        if not overrides:
            raise ArgumentError("--params needs values: write --params name=value")
        for override in overrides:
            translated += ["-S", override]
    return translated


def _overrides(written: str) -> Iterator[str]:
    """Hydra's overrides for one list of parameters, `[FILE:]NAME=VALUE,NAME=VALUE`."""
    file = ""
    for number, pair in enumerate(_pairs(written)):
        name, equals, value = pair.partition("=")
        if not equals:
            raise ArgumentError(
                f"--params takes name=value, and {shown(pair)} has no =: "
                "write a list as name=[1,2], a text with commas as name='a, b'"
            )
        before, colon, short_name = name.rpartition(":")
        if colon and number:
            raise ArgumentError(
                f"--params takes one file: write another --params {shown(name)[1:-1]}=…"
            )
        if colon:
            file, name = f"{before}:", short_name
        if not name.strip():
            raise ArgumentError(f"--params has a value without a name: {shown(pair)}")
        yield f"{file}{name.strip()}={_hydra_value(name.strip(), value.strip())}"


def _pairs(written: str) -> Iterator[str]:
    """The list cut at its commas, those inside brackets and quotes aside."""
    start = 0
    for end in (*_commas(written), len(written)):
        pair = written[start:end].strip()
        if pair:
            yield pair
        start = end + 1


def _commas(written: str) -> list[int]:
    """Where the commas are that separate parameters."""
    found: list[int] = []
    awaited: list[str] = []
    previous = ""
    at = 0
    while at < len(written):
        character = written[at]
        if character in "'\"" and previous in _OPENS_A_VALUE:
            at = _closing_quote(written, at)
        elif character == "\\":
            at += 1
        elif character == "," and not awaited:
            found.append(at)
        else:
            _nest(awaited, character, written)
        if not character.isspace():
            previous = character
        at += 1
    if awaited:
        raise _unbalanced(f"lacks a {awaited[-1]}", written)
    return found


def _nest(awaited: list[str], character: str, written: str) -> None:
    """Keep the brackets that are still to come."""
    if character in _CLOSING:
        awaited.append(_CLOSING[character])
        if len(awaited) > _MAX_DEPTH:
            raise ArgumentError(f"--params nests brackets deeper than {_MAX_DEPTH}")
    elif character in ")]}" and (not awaited or awaited.pop() != character):
        raise _unbalanced(f"has a {character} too many", written)


def _closing_quote(written: str, opening: int) -> int:
    """Where the text that opens here ends. Behind a backslash a quote is a character."""
    at = opening + 1
    while at < len(written):
        if written[at] == written[opening]:
            return at
        at += 2 if written[at] == "\\" else 1
    raise _unbalanced(f"lacks a {written[opening]}", written)


def _unbalanced(fault: str, written: str) -> ArgumentError:
    # White space has split the argument before: most often that is why a bracket is missing.
    return ArgumentError(
        f"--params {fault} in {shown(written)}: leave out the spaces, "
        "or put quotes around the whole: --params '…'"
    )


def _hydra_value(name: str, value: str) -> str:
    try:
        read = json.loads(
            value, parse_int=Number, parse_float=Number, parse_constant=_not_a_json_number
        )
    except ValueError:
        return _not_json(name, value)
    return said(read)


def _not_a_json_number(word: str) -> None:
    # Python's reader takes NaN and Infinity; JSON does not (RFC 8259, section 6).
    raise ValueError(word)


def _not_json(name: str, value: str) -> str:
    if value[:1] in "'\"":
        return value
    if value[:1] == "{" and value[1:].lstrip()[:1] in ("'", '"'):
        raise ArgumentError(
            f"--params {shown(name)[1:-1]} is no JSON: {shown(value)}: "
            'write names and texts in double quotes, as in {"a":"text","b":1}'
        )
    if is_syntax(value) or is_plain(value):
        return value
    return said_text(value)
