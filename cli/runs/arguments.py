"""Arguments that a shell has split become the text that `shared.arguments.split` splits again."""

import re
from collections.abc import Iterator, Sequence

from shared.arguments import split
from shared.hydra import ArgumentError


def join(words: Sequence[str]) -> str:
    r"""The text after a run keyword that stands for these arguments.

    Raises:
        ArgumentError: one of them cannot be written: it would need both kinds of quotes at once.

    >>> print(join(["train", "-S", "note=two words", "-S", 'model={"depth": 3}', "it's", ""]))
    train -S note='two words' -S model='{"depth": 3}' it's ''
    """
    return " ".join(_written(word) for word in words)


def _written(word: str) -> str:
    for candidate in _candidates(word):
        try:
            if split(candidate) == [word]:
                return candidate
        except ArgumentError:
            continue
    message = (
        f"the argument {word!r} has white space and both kinds of quotes, which cannot be written "
        "in one: put it into params.yaml, or leave out one kind"
    )
    raise ArgumentError(message)


def _candidates(word: str) -> Iterator[str]:
    name, equals, value = word.partition("=")
    if equals:
        for first in _forms(name):
            yield from (f"{first}={form}" for form in _forms(value))
    yield from _forms(word)


def _forms(text: str) -> Iterator[str]:
    """A part of an argument as it stands, in quotes, and in quotes as far as it has white space."""
    yield text
    spaced = re.match(r".*\s", text, re.DOTALL)
    end = spaced.end() if spaced else 0
    yield from (f"{quote}{text}{quote}" for quote in "'\"")
    yield from (f"{quote}{text[:end]}{quote}{text[end:]}" for quote in "'\"")
