"""Looking again and again at what goes on elsewhere, through failures that pass.

A throttle, a network that is away, a laptop that slept: none of them ends what is looked at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import click

from shared.errors import Unavailable

_Answer = TypeVar("_Answer")


@dataclass
class Patience:
    """Asks again after a `pause` where AWS is unavailable; each such failure is said once a row."""

    pause: Callable[[], None]
    _said: str | None = None

    def ask(self, question: Callable[[], _Answer]) -> _Answer:
        """The answer, however often that has to be asked for."""
        while True:
            try:
                answer = question()
            except Unavailable as error:
                self._bear(error)
            else:
                self._said = None
                return answer

    def read(self, pages: Callable[[], Iterator[_Answer]]) -> Iterator[_Answer]:
        """All pages; `pages`, called again, is to go on behind the last one that it gave."""
        while True:
            try:
                for page in pages():
                    self._said = None
                    yield page
            except Unavailable as error:
                self._bear(error)
            else:
                return

    def _bear(self, error: Unavailable) -> None:
        if str(error) != self._said:
            self._said = str(error)
            click.echo(f"{error}: it will be asked again; Ctrl-C ends this", err=True)
        self.pause()
