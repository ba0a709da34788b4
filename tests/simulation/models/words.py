"""The words of DynamoDB's expressions."""

import re
from collections.abc import Iterator
from typing import NoReturn

from tests.simulation.models.ports import Unmodelled

_WORD = re.compile(r"\s*(<=|>=|[=<>(),]|[#:]?[A-Za-z_][A-Za-z0-9_]*|\S)")


class Words:
    """An expression, word by word; `next` is the next one, None at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        words = _WORD.findall(text)
        self._rest: Iterator[str] = iter(words)
        self.placeholders = frozenset(word for word in words if word[0] in "#:")
        self.next: str | None = next(self._rest, None)

    def take(self, wanted: str | None = None) -> str:
        """The next word; if it is not the one that is `wanted`, `Unmodelled`."""
        word = self.next
        if word is None or (wanted is not None and word != wanted):
            self.fail()
        self.next = next(self._rest, None)
        return word

    def operand(self) -> str:
        """The next word, which is a name or a value."""
        word = self.take()
        if not word.lstrip("#:").isidentifier():
            self.fail()
        return word

    def end(self) -> None:
        """See that there is no more."""
        if self.next is not None:
            self.fail()

    def fail(self) -> NoReturn:
        """Raise `Unmodelled`."""
        message = f"an expression that is not known here, at {self.next!r}: {self._text}"
        raise Unmodelled(message)
