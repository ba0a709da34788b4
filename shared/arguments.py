"""How the text after a run keyword becomes the arguments of DVC.

Two decisions: where one argument ends and the next begins (`split`), and which options are of no
use to a job (`check_options`). The parser asks before it accepts a run, the job's program when it
runs one. Standard library, Python 3.9 and newer, linear time.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.hydra import ArgumentError, shown

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
