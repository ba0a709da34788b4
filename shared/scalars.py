"""What a parameter's name and its values may be, so that DVC, Hydra and a list of points take them.

Standard library, and the rules of Hydra's that `shared.hydra` knows.
"""

import math
import re
from decimal import Decimal

from shared.errors import Rejected
from shared.hydra import ArgumentError, said_text, shown

Scalar = str | int | float | bool | None

_LONGEST_NAME = 200
_KEY = r"[A-Za-z_][A-Za-z0-9_-]*"
_NAME = re.compile(rf"(?:[A-Za-z0-9_./-]+:)?\+{{0,2}}{_KEY}(?:[./](?:{_KEY}|0|[1-9][0-9]{{0,9}}))*")
# Hydra's numbers (OverrideLexer.g4: INT, FLOAT): 007 is a text.
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,39})")
_NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?"
)
_NO_NUMBER = re.compile(r"[+-]?(?:inf|nan)", re.IGNORECASE)
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def checked_name(name: str) -> str:
    """A parameter's name that Hydra takes: a key, maybe with a file before it, or + to add it.

    Raises:
        Rejected: it is none.

    >>> checked_name("params.yaml:model.layers.0")
    'params.yaml:model.layers.0'
    """
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        message = (
            f"{shown(name)} is no parameter's name: write letters, digits, _ and -, "
            "with dots between, as in model.depth or params.yaml:model.depth"
        )
        raise Rejected(message)
    return name


def scalar(word: str) -> Scalar:
    """What a word without quotes means.

    Raises:
        Rejected: it is nothing that a point can hold.

    >>> [scalar(word) for word in ("3", "1e-3", "True", "null", "adam", "007")]
    [3, 0.001, True, None, 'adam', '007']
    """
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if _WHOLE.fullmatch(word):
        return int(word)
    if _NUMBER.fullmatch(word):
        return float(decimal(word))
    if _NO_NUMBER.fullmatch(word):
        message = f"{word} is no number that a list of points can hold: write '{word}' for the text"
        raise Rejected(message)
    return checked_text(word)


def checked_text(text: str) -> str:
    """A text that a program can be told.

    Raises:
        Rejected: it cannot.

    """
    try:
        said_text(text)
    except ArgumentError as error:
        raise Rejected(str(error)) from error
    return text


def decimal(word: str) -> Decimal:
    """A number, exactly as it is written.

    Raises:
        Rejected: it is none, or one that a float cannot hold.

    """
    if not _NUMBER.fullmatch(word):
        message = f"{shown(word)} is no number"
        raise Rejected(message)
    number = Decimal(word)
    if not math.isfinite(float(number)) or (number and not float(number)):
        message = f"{word} is beyond what a number can be: write one from 1e-300 to 1e300"
        raise Rejected(message)
    return number
