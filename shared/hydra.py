"""How a value is said in Hydra's override syntax, in which `dvc exp run -S name=value` is written.

The rules are those of hydra-core 1.3 (OverrideLexer.g4, OverrideParser.g4), whose tokens are named
where they are met. Standard library, Python 3.9 and newer.
"""

from __future__ import annotations

import re

# What a value may hold unquoted (CHAR, DIGIT, UNQUOTED_CHAR without the backslash, COLON, WS).
# Letters are ASCII.
_PLAIN = re.compile(r"[A-Za-z0-9_/\-+.$%*@?|: \t]*")
# A container, a function of Hydra's, an interpolation, an escape: the writer speaks Hydra already.
_SYNTAX = re.compile(
    r"\A(?:[\[{]|(?:int|str|bool|float|choice|range|interval|tag|sort|shuffle|glob) ?\()|\$\{|\\"
)
# A key in braces: the same letters, and these behind a backslash (grammar rule dictKey, token ESC).
_KEY = re.compile(r"[A-Za-z0-9_/\-\\+.$%*@?|()\[\]{}:=, \t]+")
_KEY_ESCAPED = re.compile(r"[\\()\[\]{}:=, \t]")
# Hydra reads such a key as a number (tokens INT, FLOAT), a truth value or null; no key is quoted.
_INT = r"(?:0|[1-9](?:_?[0-9])*)"
_DIGITS = r"[0-9](?:_?[0-9])*"
_KEY_NOT_TEXT = re.compile(
    rf"[+-]?(?:(?:{_INT}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:e[+-]?{_DIGITS})?|inf|nan)"
    r"|true|false|null",
    re.IGNORECASE,
)
# Backslashes before ${ and before a quote. The look-behind keeps a long run of them linear.
_INTERPOLATION = re.compile(r"(?<!\\)(\\*)\$\{")
_BEFORE_QUOTE = {quote: re.compile(rf"(?<!\\)(\\*)({quote}|\Z)") for quote in "'\""}
# What no program can be told, though JSON can: execve(2) ends an argument at a null, and half a
# character is none.
NO_ARGUMENT = re.compile("[\0\ud800-\udfff]")
_SHOWN = 30


class ArgumentError(ValueError):
    """The arguments cannot be read. The message says what to write instead."""


class Number(str):
    """A number as it was written: 0.10 stays 0.10."""

    __slots__ = ()


def said(value: object) -> str:
    """A value as JSON or Python holds it.

    Raises:
        ArgumentError: Hydra has no words for it.

    >>> said({"a": [1, Number("0.10"), True, None, "x, y"]})
    "{a:[1,0.10,true,null,'x, y']}"
    """
    if isinstance(value, dict):
        pairs = [f"{_said_key(str(key))}:{said(item)}" for key, item in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(said, value)) + "]"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return said_text(value)
    if value is None:
        return "null"
    return str(value).lower()  # True, False, a number: Hydra's inf and nan are Python's


def said_text(text: str) -> str:
    """A text, quoted, for OmegaConf to take as it is.

    Raises:
        ArgumentError: it is `???`, or nothing that a program can be told.

    >>> print(said_text("it's late"), said_text("a, b"))
    "it's late" 'a, b'
    """
    if text == "???":
        raise ArgumentError('the text "???" stands for a missing value in Hydra: write another')
    if NO_ARGUMENT.search(text):
        raise ArgumentError(
            f"the text {shown(text)} holds a character that no program can be told: leave it out"
        )
    # OmegaConf would put in the value of x for ${x}; a backslash before it counts as an escape.
    text = _INTERPOLATION.sub(r"\1\1\\${", text)
    quote = '"' if "'" in text and '"' not in text else "'"
    # Only backslashes right before a quote, the closing one too, are escapes (QUOTED_VALUE).
    inner = _BEFORE_QUOTE[quote].sub(_escaped, text)
    return f"{quote}{inner}{quote}"


def is_plain(text: str) -> bool:
    """Whether Hydra takes a value's characters without quotes."""
    return _PLAIN.fullmatch(text) is not None


def is_syntax(text: str) -> bool:
    """Whether a value makes use of Hydra's syntax."""
    return _SYNTAX.search(text) is not None


def shown(text: str) -> str:
    """The beginning of a text, for a message of one line."""
    start = text[: _SHOWN + 1]
    cut = start[:_SHOWN] + "…" if len(start) > _SHOWN else start
    return f'"{cut}"'


def _said_key(key: str) -> str:
    if not _KEY.fullmatch(key) or key != key.strip():
        why = "has characters that Hydra takes in no name"
    elif _KEY_NOT_TEXT.fullmatch(key):
        why = "would be read as a number, a truth value or null"
    else:
        return _KEY_ESCAPED.sub(r"\\\g<0>", key)
    raise ArgumentError(
        f"the name {shown(key)} inside {{…}} {why}: rename it, or set it in the parameters' file"
    )


def _escaped(match: re.Match[str]) -> str:
    backslashes, quote = match.groups()
    return backslashes * 2 + (f"\\{quote}" if quote else "")
