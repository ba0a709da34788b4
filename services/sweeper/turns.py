"""Whose turn it is: of several chains of looks at one sweep all but one end.

Each look sends the next one, so a message delivered twice, or a request of the reconciler's, begins
a second chain. The record therefore holds the number of the one look that is to come, and a message
with another number ends its chain. A look gives out a new number each time that it is taken: the
message that it sent before, if any, is then out of turn. The number of the look that was taken last
is good as well, for that look may have been cut off before it sent the next.
"""

from shared.events import Progress, SweepDue


def in_turn(due: SweepDue, known: Progress | None) -> bool:
    """Whether this look is the one to take: a first one, the next, or the last one once more."""
    return known is None or due.look in (0, known.look, known.looked)


def is_first_or_again(due: SweepDue, known: Progress) -> bool:
    """Whether what the look before this one found may never have been told."""
    return due.look in (0, known.looked)


def taken(due: SweepDue, known: Progress) -> Progress:
    """The progress once this look is taken, with a number for the next."""
    return known.model_copy(update={"looked": due.look, "look": max(known.look, due.look) + 1})


def next_look(due: SweepDue, known: Progress) -> SweepDue:
    """The message for the next look."""
    return due.model_copy(update={"look": known.look})
