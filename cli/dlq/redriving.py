"""Moving dead letters back: sent first, deleted then, so that a crash in between only doubles one.

SQS has a redrive of its own (StartMessageMoveTask), but not for a queue that several senders share,
nor for single messages, nor on every SQS. Consumers bear a message that they have seen before.
"""

from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cli.dlq.letters import Letter
from cli.dlq.queues import DeadLetterQueue
from cli.dlq.reading import Reading
from cli.dlq.routes import Back, Route

# Longer than a pass over all that a queue can hold in flight takes.
_HOLD_SECONDS = 300


Done: TypeAlias = Literal["sent", "dropped", "left"]


@dataclass(frozen=True)
class Outcome:
    """What became of a letter: sent back, deleted, or left where it is."""

    letter: Letter
    route: Route
    done: Done


def redrive(
    queue: DeadLetterQueue,
    route: Callable[[Letter], Route],
    *,
    most: int,
    only: Collection[str] = (),
    drop: bool = False,
    dry_run: bool = False,
) -> Generator[Outcome, None, None]:
    """Send back what `queue` holds, `most` letters at most; each outcome as it comes to be.

    `only` are the ids of the letters that are meant, none for all; the others are not touched, and
    the pass ends with the last of them. What goes nowhere stays, or is deleted with `drop`. With
    `dry_run` the outcomes are those that there would be.

    It ends even while letters die again as fast as they are sent: none is met twice, under its old
    id or its new one.
    """
    missing = set(only)
    with Reading(queue, most=most, hold_seconds=_HOLD_SECONDS) as reading:
        for letter in reading:
            if only and letter.id not in missing:
                continue
            missing.discard(letter.id)
            there = route(letter)
            if isinstance(there, Back):
                if not dry_run:
                    reading.pass_over(queue.send(there.url, letter))
                    reading.delete(letter)
                yield Outcome(letter, there, "sent")
            elif drop:
                if not dry_run:
                    reading.delete(letter)
                yield Outcome(letter, there, "dropped")
            else:
                yield Outcome(letter, there, "left")
            if only and not missing:
                return
