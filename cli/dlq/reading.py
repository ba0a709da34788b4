"""One pass over a dead-letter queue. At its end all is where it was, but what was deleted."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from cli.dlq.letters import Letter
from cli.dlq.queues import DeadLetterQueue


class Reading:
    """One pass over a queue: every message once, `most` at most, none deleted but by `delete`.

    Those that were taken are held until the end, and then given back, also after a failure. If even
    that fails they come back by themselves after `hold_seconds`.
    """

    def __init__(self, queue: DeadLetterQueue, *, most: int, hold_seconds: int) -> None:
        self._queue = queue
        self._most = most
        self._hold_seconds = hold_seconds
        self._held: dict[str, Letter] = {}
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.give_back(list(self._held.values()))

    def __iter__(self) -> Iterator[Letter]:
        handed_over = 0
        while handed_over < self._most:
            taken = self._queue.take(self._hold_seconds)
            self._held.update({letter.id: letter for letter in taken})
            # One answer may hold two copies of a message.
            new = [*{one.id: one for one in taken if one.id not in self._seen}.values()]
            # Nothing, or only what was here before: a message that comes back is met once.
            if not new:
                return
            for letter in new[: self._most - handed_over]:
                self._seen.add(letter.id)
                handed_over += 1
                yield letter

    def delete(self, letter: Letter) -> None:
        """Delete a message for good."""
        self._queue.delete(letter)
        del self._held[letter.id]

    def pass_over(self, message_id: str) -> None:
        """Leave a message alone should it turn up: it died again while this pass goes on."""
        self._seen.add(message_id)
