"""How the text after a run keyword becomes the arguments of DVC.

Two decisions, both pure: where one argument ends and the next begins (`split`), and how `--params`,
which DVC no longer has, is said today (`translate_params`). The parser asks before it accepts a
run, the job's program when it runs one. Standard library, Python 3.9 and newer, linear time.
"""

import json
import re
from collections.abc import Iterator

# What a value may hold unquoted in Hydra's override grammar (hydra-core 1.3, OverrideLexer.g4:
# CHAR, DIGIT, UNQUOTED_CHAR without the backslash, COLON, WS). Letters are ASCII.
_HYDRA_PLAIN = re.compile(r"[A-Za-z0-9_/\-+.$%*@?|: \t]*")
# A container, a function of Hydra's, an interpolation, an escape: the writer speaks Hydra already.
_HYDRA_SYNTAX = re.compile(
    r"\A(?:[\[{]|(?:int|str|bool|float|choice|range|interval|tag|sort|shuffle|glob) ?\()|\$\{|\\"
)
# A key in braces: the same letters, and these behind a backslash (grammar rule dictKey, token ESC).
_HYDRA_KEY = re.compile(r"[A-Za-z0-9_/\-\\+.$%*@?|()\[\]{}:=, \t]+")
_HYDRA_KEY_ESCAPED = re.compile(r"[\\()\[\]{}:=, \t]")
# Hydra reads such a key as a number (tokens INT, FLOAT), a truth value or null; no key is quoted.
_INT = r"(?:0|[1-9](?:_?[0-9])*)"
_DIGITS = r"[0-9](?:_?[0-9])*"
_HYDRA_KEY_NOT_TEXT = re.compile(
    rf"[+-]?(?:(?:{_INT}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:e[+-]?{_DIGITS})?|inf|nan)"
    r"|true|false|null",
    re.IGNORECASE,
)
# Backslashes before ${ and before a quote. The look-behind keeps a long run of them linear.
_INTERPOLATION = re.compile(r"(?<!\\)(\\*)\$\{")
_BEFORE_QUOTE = {quote: re.compile(rf"(?<!\\)(\\*)({quote}|\Z)") for quote in "'\""}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
# Behind one of these a quote opens a text; anywhere else it is an apostrophe.
_OPENS_A_VALUE = frozenset("=,:([{")
_MAX_DEPTH = 50
_SHOWN = 30


class ArgumentError(ValueError):
    """The arguments cannot be read. The message says what to write instead."""


class _Number(str):
    """A JSON number as it was written: 0.10 stays 0.10."""

    __slots__ = ()


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
    shared.arguments.ArgumentError: the quote ' before "note=two words" is never closed: add a ' ...
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
                    f"the quote {character} before {_shown(text[at + 1 :])} is never closed: "
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
                f"--params takes name=value, and {_shown(pair)} has no =: "
                "write a list as name=[1,2], a text with commas as name='a, b'"
            )
        before, colon, short_name = name.rpartition(":")
        if colon and number:
            raise ArgumentError(
                f"--params takes one file: write another --params {_shown(name)[1:-1]}=…"
            )
        if colon:
            file, name = f"{before}:", short_name
        if not name.strip():
            raise ArgumentError(f"--params has a value without a name: {_shown(pair)}")
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
        f"--params {fault} in {_shown(written)}: leave out the spaces, "
        "or put quotes around the whole: --params '…'"
    )


def _hydra_value(name: str, value: str) -> str:
    try:
        read = json.loads(
            value, parse_int=_Number, parse_float=_Number, parse_constant=_not_a_json_number
        )
    except ValueError:
        return _not_json(name, value)
    return _hydra(read)


def _not_a_json_number(word: str) -> None:
    # Python's reader takes NaN and Infinity; JSON does not (RFC 8259, section 6).
    raise ValueError(word)


def _not_json(name: str, value: str) -> str:
    if value[:1] in "'\"":
        return value
    if value[:1] == "{" and value[1:].lstrip()[:1] in ("'", '"'):
        raise ArgumentError(
            f"--params {_shown(name)[1:-1]} is no JSON: {_shown(value)}: "
            'write names and texts in double quotes, as in {"a":"text","b":1}'
        )
    if _HYDRA_SYNTAX.search(value) or _HYDRA_PLAIN.fullmatch(value):
        return value
    return _hydra_text(value)


def _hydra(value: object) -> str:
    """A value read from JSON in Hydra's override grammar."""
    if isinstance(value, dict):
        pairs = [f"{_hydra_key(key)}:{_hydra(item)}" for key, item in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_hydra, value)) + "]"
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return _hydra_text(value)
    return {None: "null", True: "true", False: "false"}[value]  # type: ignore[index]  # JSON's rest


def _hydra_key(key: str) -> str:
    if not _HYDRA_KEY.fullmatch(key) or key != key.strip():
        why = "has characters that Hydra takes in no name"
    elif _HYDRA_KEY_NOT_TEXT.fullmatch(key):
        why = "would be read as a number, a truth value or null"
    else:
        return _HYDRA_KEY_ESCAPED.sub(r"\\\g<0>", key)
    raise ArgumentError(
        f"--params: the name {_shown(key)} inside {{…}} {why}: rename it, "
        "or set it in the parameters' file"
    )


def _hydra_text(text: str) -> str:
    """A quoted text in Hydra's grammar, for OmegaConf to take as it is."""
    if text == "???":
        raise ArgumentError('--params: Hydra takes the text "???" for a missing value')
    # OmegaConf would put in the value of x for ${x}; a backslash before it counts as an escape.
    text = _INTERPOLATION.sub(r"\1\1\\${", text)
    quote = '"' if "'" in text and '"' not in text else "'"
    # Only backslashes right before a quote, the closing one too, are escapes (QUOTED_VALUE).
    inner = _BEFORE_QUOTE[quote].sub(_escaped, text)
    return f"{quote}{inner}{quote}"


def _escaped(match: "re.Match[str]") -> str:
    backslashes, quote = match.groups()
    return backslashes * 2 + (f"\\{quote}" if quote else "")


def _shown(text: str) -> str:
    """The beginning of a text, for a message of one line."""
    start = text[: _SHOWN + 1]
    cut = start[:_SHOWN] + "…" if len(start) > _SHOWN else start
    return f'"{cut}"'
