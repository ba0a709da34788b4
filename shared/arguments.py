"""How the text after a run keyword becomes the arguments of DVC.

Decisions, all of them pure: where one argument ends and the next begins (`split`), which options
are of no use to a job (`check_options`), and how `--params`, which DVC no longer has, is said today
(`translate_params`). The parser asks before it accepts a run, the job's program when it runs one.
Standard library, Python 3.9 and newer, linear time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from shared.hydra import ArgumentError, Number, is_plain, is_syntax, said, said_text, shown

__all__ = ["ArgumentError", "check_options", "split", "translate_params"]

_CLOSING = {"(": ")", "[": "]", "{": "}"}
# Behind one of these a quote opens a text; anywhere else it is an apostrophe.
_OPENS_A_VALUE = frozenset("=,:([{")
_MAX_DEPTH = 50
_FRUITLESS = {
    "--queue": "runs nothing now, and the queue ends with the job",
    "--no-commit": "keeps outputs out of DVC's cache, so they would end with the job",
}


def split(text: str) -> list[str]:
    r"""The arguments in a text; no shell, no escapes.

    White space separates. A quote groups where it opens an argument or follows its first `=`, up to
    the same quote, and both are dropped. Every other character stands for itself.

    Raises:
        ArgumentError: a quote that groups is never closed.

    >>> split("--single-item featurize_data")
    ['--single-item', 'featurize_data']
    >>> split("-S 'note=two words' -S author=\"A B\"")
    ['-S', 'note=two words', '-S', 'author=A B']
    >>> split('--params var1=1,var2={"foo":"bar"}')
    ['--params', 'var1=1,var2={"foo":"bar"}']
    >>> split("-n $(date)-it's -f ''")
    ['-n', "$(date)-it's", '-f', '']
    >>> split("train -S 'note=two words")
    Traceback (most recent call last):
    shared.hydra.ArgumentError: the quote ' before "note=two words" is never closed: add a ' ...
    """
    arguments: list[str] = []
    at, end = 0, len(text)
    while at < end:
        if text[at].isspace():
            at += 1
        else:
            argument, at = _argument(text, at)
            arguments.append(argument)
    return arguments


def _argument(text: str, start: int) -> tuple[str, int]:
    """The argument that starts at `start`, and where it ends."""
    pieces: list[str] = []
    equals_seen = False
    at, literal = start, start
    while at < len(text) and not text[at].isspace():
        character = text[at]
        opens = at == start or (text[at - 1] == "=" and not equals_seen)
        equals_seen = equals_seen or (at > start and text[at - 1] == "=")
        if character in "'\"" and opens:
            close = text.find(character, at + 1)
            if close < 0:
                raise ArgumentError(
                    f"the quote {character} before {shown(text[at + 1 :])} is never closed: "
                    f"add a {character} where the argument ends, or take this one away"
                )
            pieces += [text[literal:at], text[at + 1 : close]]
            # An `=` inside the quotes is the argument's first as well.
            equals_seen = equals_seen or "=" in pieces[-1]
            at = literal = close + 1
        else:
            at += 1
    pieces.append(text[literal:at])
    return "".join(pieces), at


def check_options(arguments: Iterable[str]) -> None:
    """Refuse what would end well with no result.

    Raises:
        ArgumentError: an option is of no use to a job.
    """
    for argument in arguments:
        if argument in _FRUITLESS:
            raise ArgumentError(f"{argument} {_FRUITLESS[argument]}: leave it out")


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
